import { hash } from 'node:crypto';
import type { Purpose } from '@weft/domain';
import type { Keys } from '@weft/processing';

/** Keys under fixed secrets, remembered, since a small world asks for the same few again and again. */
export class SimKeys implements Keys {
  private readonly known = new Map<string, string>();

  patient(nhsNumber: string): string {
    return this.of(`patient ${nhsNumber}`).slice(0, 32);
  }

  view(purpose: Purpose, patientKey: string): string {
    const individualCare = purpose === 'direct-care' || purpose === 'care-coordination';
    return individualCare ? patientKey : this.of(`view ${purpose} ${patientKey}`).slice(0, 32);
  }

  pseudonym(purpose: Purpose, text: string): string {
    return this.of(`pseudonym ${purpose} ${text}`).slice(0, 32);
  }

  uuid(...parts: string[]): string {
    const hex = hash('sha256', JSON.stringify(parts));
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  digest(text: string): string {
    return hash('sha256', text);
  }

  chain(text: string): string {
    return hash('sha256', `chain ${text}`).slice(0, 32);
  }

  private of(text: string): string {
    let key = this.known.get(text);
    if (key === undefined) {
      key = hash('sha256', text);
      this.known.set(text, key);
    }
    return key;
  }
}
