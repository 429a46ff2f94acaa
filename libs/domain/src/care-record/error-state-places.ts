/**
 * Where FHIR R4 lets a resource say that it was entered in error, made from HL7's bindings by `npm run validator -- error-states`, never
 * by hand. Of each type the elements.
 */
export const ERROR_STATE_PLACES = `
Account status
AllergyIntolerance verificationStatus
Appointment status
CarePlan status
CareTeam status
ChargeItem status
Claim status
ClaimResponse status
ClinicalImpression status
Communication status
CommunicationRequest status
Composition status
Condition verificationStatus
Consent status
Contract status legalState
Coverage status
CoverageEligibilityRequest status
CoverageEligibilityResponse status
DetectedIssue status
Device status
DeviceMetric operationalStatus
DeviceRequest status
DeviceUseStatement status
DiagnosticReport status
DocumentManifest status
DocumentReference status docStatus
Encounter status
Endpoint status
EnrollmentRequest status
EnrollmentResponse status
EpisodeOfCare status
ExplanationOfBenefit status
FamilyMemberHistory status
Flag status
Goal lifecycleStatus
GuidanceResponse status
ImagingStudy status
Immunization status
ImmunizationEvaluation status
Invoice status
List status
Media status
Medication status
MedicationAdministration status
MedicationDispense status
MedicationKnowledge status
MedicationRequest status
MedicationStatement status
NutritionOrder status
Observation status
PaymentNotice status
PaymentReconciliation status
Procedure status
QuestionnaireResponse status
RequestGroup status
RiskAssessment status
ServiceRequest status
Slot status
Specimen status
Substance status
SupplyDelivery status
SupplyRequest status
Task status
TestReport status
VisionPrescription status
`;
