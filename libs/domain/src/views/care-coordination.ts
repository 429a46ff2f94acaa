import type { Resource } from '../vocabulary.js';

/** What is ahead and who is involved, by FHIR R4 status: for each resource type the statuses that are not over yet. */
const AHEAD: Readonly<Record<string, readonly string[]>> = {
  Encounter: ['planned', 'arrived', 'triaged', 'in-progress', 'onleave'],
  CarePlan: ['draft', 'active', 'on-hold'],
  Goal: ['proposed', 'planned', 'accepted', 'active', 'on-hold'],
  CareTeam: ['proposed', 'active', 'suspended'],
  Appointment: ['proposed', 'pending', 'booked', 'arrived', 'checked-in', 'waitlist'],
  ServiceRequest: ['draft', 'active', 'on-hold'],
  Flag: ['active'],
};

export function isCoordinated(resourceType: string): boolean {
  return AHEAD[resourceType] !== undefined;
}

/** Whether a resource is of care coordination's concern now. */
export function isAhead(resource: Resource): boolean {
  const status = resource.resourceType === 'Goal' ? resource['lifecycleStatus'] : resource['status'];
  return typeof status === 'string' && (AHEAD[resource.resourceType]?.includes(status) ?? false);
}
