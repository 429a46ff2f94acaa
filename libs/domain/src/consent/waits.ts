/** How long what arrives waits for decisions that came before it and cannot be read. */
export interface Waits {
  /** In whole minutes. Beyond individual care there is no bound. */
  readonly individualCareMinutes: number;
}

const SHIPPED: Waits = { individualCareMinutes: 15 };

/** Care cannot wait for a week; nor may what waits be shown before somebody can have looked why it waits. */
export const WAIT_MINUTES = { least: 1, most: 7 * 24 * 60 } as const;

export const waitsOf = ({ waits }: { readonly waits?: Waits }): Waits => waits ?? SHIPPED;
