/**
 * Where FHIR R4 lets a resource name the patient whom it is about, made from HL7's search parameters and patient compartment by
 * `npm run validator -- places`, never by hand.
 *
 * Of each type first the places by which R4 finds whose it is; behind the stroke those of persons who took part, or of the patient where
 * the first say nobody.
 */
export const PATIENT_PLACES = `
Account subject
AdverseEvent subject
AllergyIntolerance patient | asserter recorder
Appointment participant.actor
AppointmentResponse actor
AuditEvent agent.who entity.what
Basic subject | author
BodyStructure patient
CarePlan subject | activity.detail.performer
CareTeam subject | participant.member
ChargeItem subject
Claim patient | payee.party
ClaimResponse patient
ClinicalImpression subject
Communication subject | recipient sender
CommunicationRequest subject | recipient requester sender
Composition subject | attester.party author
Condition subject | asserter
Consent patient
Contract subject
Coverage beneficiary | payor policyHolder subscriber
CoverageEligibilityRequest patient
CoverageEligibilityResponse patient
DetectedIssue patient
Device patient
DeviceRequest subject | performer
DeviceUseStatement subject
DiagnosticReport subject
DocumentManifest subject | author recipient
DocumentReference subject | author
Encounter subject
EnrollmentRequest candidate
EpisodeOfCare patient
ExplanationOfBenefit patient | payee.party
FamilyMemberHistory patient
Flag subject
Goal subject
Group | member.entity
GuidanceResponse subject
ImagingStudy subject
Immunization patient
ImmunizationEvaluation patient
ImmunizationRecommendation patient
Invoice subject | recipient
List subject | source
MeasureReport subject
Media subject
MedicationAdministration subject | performer.actor
MedicationDispense subject | receiver
MedicationRequest subject
MedicationStatement subject
MolecularSequence patient
NutritionOrder patient
Observation subject | performer
Person link.target
Procedure subject | performer.actor
Provenance target
QuestionnaireResponse subject | author
RelatedPerson patient
RequestGroup subject | action.participant
ResearchSubject individual
RiskAssessment subject
Schedule | actor
ServiceRequest subject | performer
Specimen subject
SupplyDelivery patient
SupplyRequest deliverTo
Task for | focus
VisionPrescription patient
`;
