/**
 * FHIR R4 (4.0.1) as a table, made from HL7's own definitions by `npm run validator -- definitions`, never by hand.
 *
 * Of each type its name and what it is based on, then its own elements: name, cardinality (? 0..1, 1 1..1, * 0..*, + 1..*), the
 * types, a Reference with what it may refer to, and behind # the value set of a required binding.
 */
export const TYPES = `
Account DomainResource
 identifier * Identifier
 status 1 code #account-status
 type ? CodeableConcept
 name ? string
 subject * Reference(Patient,Device,Practitioner,PractitionerRole,Location,HealthcareService,Organization)
 servicePeriod ? Period
 coverage * Account.coverage
 owner ? Reference(Organization)
 description ? string
 guarantor * Account.guarantor
 partOf ? Reference(Account)
Account.coverage BackboneElement
 coverage 1 Reference(Coverage)
 priority ? positiveInt
Account.guarantor BackboneElement
 party 1 Reference(Patient,RelatedPerson,Organization)
 onHold ? boolean
 period ? Period
ActivityDefinition DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 subtitle ? string
 status 1 code #publication-status
 experimental ? boolean
 subject[x] ? CodeableConcept|Reference(Group)
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 usage ? string
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 library * canonical
 kind ? code #request-resource-types
 profile ? canonical
 code ? CodeableConcept
 intent ? code #request-intent
 priority ? code #request-priority
 doNotPerform ? boolean
 timing[x] ? Timing|dateTime|Age|Period|Range|Duration
 location ? Reference(Location)
 participant * ActivityDefinition.participant
 product[x] ? Reference(Medication,Substance)|CodeableConcept
 quantity ? SimpleQuantity
 dosage * Dosage
 bodySite * CodeableConcept
 specimenRequirement * Reference(SpecimenDefinition)
 observationRequirement * Reference(ObservationDefinition)
 observationResultRequirement * Reference(ObservationDefinition)
 transform ? canonical
 dynamicValue * ActivityDefinition.dynamicValue
ActivityDefinition.participant BackboneElement
 type 1 code #action-participant-type
 role ? CodeableConcept
ActivityDefinition.dynamicValue BackboneElement
 path 1 string
 expression 1 Expression
Address Element
 use ? code #address-use
 type ? code #address-type
 text ? string
 line * string
 city ? string
 district ? string
 state ? string
 postalCode ? string
 country ? string
 period ? Period
AdverseEvent DomainResource
 identifier ? Identifier
 actuality 1 code #adverse-event-actuality
 category * CodeableConcept
 event ? CodeableConcept
 subject 1 Reference(Patient,Group,Practitioner,RelatedPerson)
 encounter ? Reference(Encounter)
 date ? dateTime
 detected ? dateTime
 recordedDate ? dateTime
 resultingCondition * Reference(Condition)
 location ? Reference(Location)
 seriousness ? CodeableConcept
 severity ? CodeableConcept #adverse-event-severity
 outcome ? CodeableConcept #adverse-event-outcome
 recorder ? Reference(Patient,Practitioner,PractitionerRole,RelatedPerson)
 contributor * Reference(Practitioner,PractitionerRole,Device)
 suspectEntity * AdverseEvent.suspectEntity
 subjectMedicalHistory * Reference(Condition,Observation,AllergyIntolerance,FamilyMemberHistory,Immunization,Procedure,Media,DocumentReference)
 referenceDocument * Reference(DocumentReference)
 study * Reference(ResearchStudy)
AdverseEvent.suspectEntity BackboneElement
 instance 1 Reference(Immunization,Procedure,Substance,Medication,MedicationAdministration,MedicationStatement,Device)
 causality * AdverseEvent.suspectEntity.causality
AdverseEvent.suspectEntity.causality BackboneElement
 assessment ? CodeableConcept
 productRelatedness ? string
 author ? Reference(Practitioner,PractitionerRole)
 method ? CodeableConcept
Age Quantity
AllergyIntolerance DomainResource
 identifier * Identifier
 clinicalStatus ? CodeableConcept #allergyintolerance-clinical
 verificationStatus ? CodeableConcept #allergyintolerance-verification
 type ? code #allergy-intolerance-type
 category * code #allergy-intolerance-category
 criticality ? code #allergy-intolerance-criticality
 code ? CodeableConcept
 patient 1 Reference(Patient)
 encounter ? Reference(Encounter)
 onset[x] ? dateTime|Age|Period|Range|string
 recordedDate ? dateTime
 recorder ? Reference(Practitioner,PractitionerRole,Patient,RelatedPerson)
 asserter ? Reference(Patient,RelatedPerson,Practitioner,PractitionerRole)
 lastOccurrence ? dateTime
 note * Annotation
 reaction * AllergyIntolerance.reaction
AllergyIntolerance.reaction BackboneElement
 substance ? CodeableConcept
 manifestation + CodeableConcept
 description ? string
 onset ? dateTime
 severity ? code #reaction-event-severity
 exposureRoute ? CodeableConcept
 note * Annotation
Annotation Element
 author[x] ? Reference(Practitioner,Patient,RelatedPerson,Organization)|string
 time ? dateTime
 text 1 markdown
Appointment DomainResource
 identifier * Identifier
 status 1 code #appointmentstatus
 cancelationReason ? CodeableConcept
 serviceCategory * CodeableConcept
 serviceType * CodeableConcept
 specialty * CodeableConcept
 appointmentType ? CodeableConcept
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Procedure,Observation,ImmunizationRecommendation)
 priority ? unsignedInt
 description ? string
 supportingInformation * Reference
 start ? instant
 end ? instant
 minutesDuration ? positiveInt
 slot * Reference(Slot)
 created ? dateTime
 comment ? string
 patientInstruction ? string
 basedOn * Reference(ServiceRequest)
 participant + Appointment.participant
 requestedPeriod * Period
Appointment.participant BackboneElement
 type * CodeableConcept
 actor ? Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Device,HealthcareService,Location)
 required ? code #participantrequired
 status 1 code #participationstatus
 period ? Period
AppointmentResponse DomainResource
 identifier * Identifier
 appointment 1 Reference(Appointment)
 start ? instant
 end ? instant
 participantType * CodeableConcept
 actor ? Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Device,HealthcareService,Location)
 participantStatus 1 code #participationstatus
 comment ? string
Attachment Element
 contentType ? code
 language ? code
 data ? base64Binary
 url ? url
 size ? unsignedInt
 hash ? base64Binary
 title ? string
 creation ? dateTime
AuditEvent DomainResource
 type 1 Coding
 subtype * Coding
 action ? code #audit-event-action
 period ? Period
 recorded 1 instant
 outcome ? code #audit-event-outcome
 outcomeDesc ? string
 purposeOfEvent * CodeableConcept
 agent + AuditEvent.agent
 source 1 AuditEvent.source
 entity * AuditEvent.entity
AuditEvent.agent BackboneElement
 type ? CodeableConcept
 role * CodeableConcept
 who ? Reference(PractitionerRole,Practitioner,Organization,Device,Patient,RelatedPerson)
 altId ? string
 name ? string
 requestor 1 boolean
 location ? Reference(Location)
 policy * uri
 media ? Coding
 network ? AuditEvent.agent.network
 purposeOfUse * CodeableConcept
AuditEvent.agent.network BackboneElement
 address ? string
 type ? code #network-type
AuditEvent.source BackboneElement
 site ? string
 observer 1 Reference(PractitionerRole,Practitioner,Organization,Device,Patient,RelatedPerson)
 type * Coding
AuditEvent.entity BackboneElement
 what ? Reference
 type ? Coding
 role ? Coding
 lifecycle ? Coding
 securityLabel * Coding
 name ? string
 description ? string
 query ? base64Binary
 detail * AuditEvent.entity.detail
AuditEvent.entity.detail BackboneElement
 type 1 string
 value[x] 1 string|base64Binary
BackboneElement Element
 modifierExtension * Extension
Basic DomainResource
 identifier * Identifier
 code 1 CodeableConcept
 subject ? Reference
 created ? date
 author ? Reference(Practitioner,PractitionerRole,Patient,RelatedPerson,Organization)
Binary Resource
 contentType 1 code
 securityContext ? Reference
 data ? base64Binary
BiologicallyDerivedProduct DomainResource
 identifier * Identifier
 productCategory ? code #product-category
 productCode ? CodeableConcept
 status ? code #product-status
 request * Reference(ServiceRequest)
 quantity ? integer
 parent * Reference(BiologicallyDerivedProduct)
 collection ? BiologicallyDerivedProduct.collection
 processing * BiologicallyDerivedProduct.processing
 manipulation ? BiologicallyDerivedProduct.manipulation
 storage * BiologicallyDerivedProduct.storage
BiologicallyDerivedProduct.collection BackboneElement
 collector ? Reference(Practitioner,PractitionerRole)
 source ? Reference(Patient,Organization)
 collected[x] ? dateTime|Period
BiologicallyDerivedProduct.processing BackboneElement
 description ? string
 procedure ? CodeableConcept
 additive ? Reference(Substance)
 time[x] ? dateTime|Period
BiologicallyDerivedProduct.manipulation BackboneElement
 description ? string
 time[x] ? dateTime|Period
BiologicallyDerivedProduct.storage BackboneElement
 description ? string
 temperature ? decimal
 scale ? code #product-storage-scale
 duration ? Period
BodyStructure DomainResource
 identifier * Identifier
 active ? boolean
 morphology ? CodeableConcept
 location ? CodeableConcept
 locationQualifier * CodeableConcept
 description ? string
 image * Attachment
 patient 1 Reference(Patient)
Bundle Resource
 identifier ? Identifier
 type 1 code #bundle-type
 timestamp ? instant
 total ? unsignedInt
 link * Bundle.link
 entry * Bundle.entry
 signature ? Signature
Bundle.link BackboneElement
 relation 1 string
 url 1 uri
Bundle.entry BackboneElement
 link * Bundle.link
 fullUrl ? uri
 resource ? Resource
 search ? Bundle.entry.search
 request ? Bundle.entry.request
 response ? Bundle.entry.response
Bundle.entry.search BackboneElement
 mode ? code #search-entry-mode
 score ? decimal
Bundle.entry.request BackboneElement
 method 1 code #http-verb
 url 1 uri
 ifNoneMatch ? string
 ifModifiedSince ? instant
 ifMatch ? string
 ifNoneExist ? string
Bundle.entry.response BackboneElement
 status 1 string
 location ? uri
 etag ? string
 lastModified ? instant
 outcome ? Resource
CapabilityStatement DomainResource
 url ? uri
 version ? string
 name ? string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date 1 dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 kind 1 code #capability-statement-kind
 instantiates * canonical
 imports * canonical
 software ? CapabilityStatement.software
 implementation ? CapabilityStatement.implementation
 fhirVersion 1 code #FHIR-version
 format + code
 patchFormat * code
 implementationGuide * canonical
 rest * CapabilityStatement.rest
 messaging * CapabilityStatement.messaging
 document * CapabilityStatement.document
CapabilityStatement.software BackboneElement
 name 1 string
 version ? string
 releaseDate ? dateTime
CapabilityStatement.implementation BackboneElement
 description 1 string
 url ? url
 custodian ? Reference(Organization)
CapabilityStatement.rest BackboneElement
 mode 1 code #restful-capability-mode
 documentation ? markdown
 security ? CapabilityStatement.rest.security
 resource * CapabilityStatement.rest.resource
 interaction * CapabilityStatement.rest.interaction
 searchParam * CapabilityStatement.rest.resource.searchParam
 operation * CapabilityStatement.rest.resource.operation
 compartment * canonical
CapabilityStatement.rest.security BackboneElement
 cors ? boolean
 service * CodeableConcept
 description ? markdown
CapabilityStatement.rest.resource BackboneElement
 type 1 code #resource-types
 profile ? canonical
 supportedProfile * canonical
 documentation ? markdown
 interaction * CapabilityStatement.rest.resource.interaction
 versioning ? code #versioning-policy
 readHistory ? boolean
 updateCreate ? boolean
 conditionalCreate ? boolean
 conditionalRead ? code #conditional-read-status
 conditionalUpdate ? boolean
 conditionalDelete ? code #conditional-delete-status
 referencePolicy * code #reference-handling-policy
 searchInclude * string
 searchRevInclude * string
 searchParam * CapabilityStatement.rest.resource.searchParam
 operation * CapabilityStatement.rest.resource.operation
CapabilityStatement.rest.resource.interaction BackboneElement
 code 1 code #type-restful-interaction
 documentation ? markdown
CapabilityStatement.rest.resource.searchParam BackboneElement
 name 1 string
 definition ? canonical
 type 1 code #search-param-type
 documentation ? markdown
CapabilityStatement.rest.resource.operation BackboneElement
 name 1 string
 definition 1 canonical
 documentation ? markdown
CapabilityStatement.rest.interaction BackboneElement
 code 1 code #system-restful-interaction
 documentation ? markdown
CapabilityStatement.messaging BackboneElement
 endpoint * CapabilityStatement.messaging.endpoint
 reliableCache ? unsignedInt
 documentation ? markdown
 supportedMessage * CapabilityStatement.messaging.supportedMessage
CapabilityStatement.messaging.endpoint BackboneElement
 protocol 1 Coding
 address 1 url
CapabilityStatement.messaging.supportedMessage BackboneElement
 mode 1 code #event-capability-mode
 definition 1 canonical
CapabilityStatement.document BackboneElement
 mode 1 code #document-mode
 documentation ? markdown
 profile 1 canonical
CarePlan DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 basedOn * Reference(CarePlan)
 replaces * Reference(CarePlan)
 partOf * Reference(CarePlan)
 status 1 code #request-status
 intent 1 code #care-plan-intent
 category * CodeableConcept
 title ? string
 description ? string
 subject 1 Reference(Patient,Group)
 encounter ? Reference(Encounter)
 period ? Period
 created ? dateTime
 author ? Reference(Patient,Practitioner,PractitionerRole,Device,RelatedPerson,Organization,CareTeam)
 contributor * Reference(Patient,Practitioner,PractitionerRole,Device,RelatedPerson,Organization,CareTeam)
 careTeam * Reference(CareTeam)
 addresses * Reference(Condition)
 supportingInfo * Reference
 goal * Reference(Goal)
 activity * CarePlan.activity
 note * Annotation
CarePlan.activity BackboneElement
 outcomeCodeableConcept * CodeableConcept
 outcomeReference * Reference
 progress * Annotation
 reference ? Reference(Appointment,CommunicationRequest,DeviceRequest,MedicationRequest,NutritionOrder,Task,ServiceRequest,VisionPrescription,RequestGroup)
 detail ? CarePlan.activity.detail
CarePlan.activity.detail BackboneElement
 kind ? code #care-plan-activity-kind
 instantiatesCanonical * canonical
 instantiatesUri * uri
 code ? CodeableConcept
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 goal * Reference(Goal)
 status 1 code #care-plan-activity-status
 statusReason ? CodeableConcept
 doNotPerform ? boolean
 scheduled[x] ? Timing|Period|string
 location ? Reference(Location)
 performer * Reference(Practitioner,PractitionerRole,Organization,RelatedPerson,Patient,CareTeam,HealthcareService,Device)
 product[x] ? CodeableConcept|Reference(Medication,Substance)
 dailyAmount ? SimpleQuantity
 quantity ? SimpleQuantity
 description ? string
CareTeam DomainResource
 identifier * Identifier
 status ? code #care-team-status
 category * CodeableConcept
 name ? string
 subject ? Reference(Patient,Group)
 encounter ? Reference(Encounter)
 period ? Period
 participant * CareTeam.participant
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition)
 managingOrganization * Reference(Organization)
 telecom * ContactPoint
 note * Annotation
CareTeam.participant BackboneElement
 role * CodeableConcept
 member ? Reference(Practitioner,PractitionerRole,RelatedPerson,Patient,Organization,CareTeam)
 onBehalfOf ? Reference(Organization)
 period ? Period
CatalogEntry DomainResource
 identifier * Identifier
 type ? CodeableConcept
 orderable 1 boolean
 referencedItem 1 Reference(Medication,Device,Organization,Practitioner,PractitionerRole,HealthcareService,ActivityDefinition,PlanDefinition,SpecimenDefinition,ObservationDefinition,Binary)
 additionalIdentifier * Identifier
 classification * CodeableConcept
 status ? code #publication-status
 validityPeriod ? Period
 validTo ? dateTime
 lastUpdated ? dateTime
 additionalCharacteristic * CodeableConcept
 additionalClassification * CodeableConcept
 relatedEntry * CatalogEntry.relatedEntry
CatalogEntry.relatedEntry BackboneElement
 relationtype 1 code #relation-type
 item 1 Reference(CatalogEntry)
ChargeItem DomainResource
 identifier * Identifier
 definitionUri * uri
 definitionCanonical * canonical
 status 1 code #chargeitem-status
 partOf * Reference(ChargeItem)
 code 1 CodeableConcept
 subject 1 Reference(Patient,Group)
 context ? Reference(Encounter,EpisodeOfCare)
 occurrence[x] ? dateTime|Period|Timing
 performer * ChargeItem.performer
 performingOrganization ? Reference(Organization)
 requestingOrganization ? Reference(Organization)
 costCenter ? Reference(Organization)
 quantity ? Quantity
 bodysite * CodeableConcept
 factorOverride ? decimal
 priceOverride ? Money
 overrideReason ? string
 enterer ? Reference(Practitioner,PractitionerRole,Organization,Patient,Device,RelatedPerson)
 enteredDate ? dateTime
 reason * CodeableConcept
 service * Reference(DiagnosticReport,ImagingStudy,Immunization,MedicationAdministration,MedicationDispense,Observation,Procedure,SupplyDelivery)
 product[x] ? Reference(Device,Medication,Substance)|CodeableConcept
 account * Reference(Account)
 note * Annotation
 supportingInformation * Reference
ChargeItem.performer BackboneElement
 function ? CodeableConcept
 actor 1 Reference(Practitioner,PractitionerRole,Organization,CareTeam,Patient,Device,RelatedPerson)
ChargeItemDefinition DomainResource
 url 1 uri
 identifier * Identifier
 version ? string
 title ? string
 derivedFromUri * uri
 partOf * canonical
 replaces * canonical
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 code ? CodeableConcept
 instance * Reference(Medication,Substance,Device)
 applicability * ChargeItemDefinition.applicability
 propertyGroup * ChargeItemDefinition.propertyGroup
ChargeItemDefinition.applicability BackboneElement
 description ? string
 language ? string
 expression ? string
ChargeItemDefinition.propertyGroup BackboneElement
 applicability * ChargeItemDefinition.applicability
 priceComponent * ChargeItemDefinition.propertyGroup.priceComponent
ChargeItemDefinition.propertyGroup.priceComponent BackboneElement
 type 1 code #invoice-priceComponentType
 code ? CodeableConcept
 factor ? decimal
 amount ? Money
Claim DomainResource
 identifier * Identifier
 status 1 code #fm-status
 type 1 CodeableConcept
 subType ? CodeableConcept
 use 1 code #claim-use
 patient 1 Reference(Patient)
 billablePeriod ? Period
 created 1 dateTime
 enterer ? Reference(Practitioner,PractitionerRole)
 insurer ? Reference(Organization)
 provider 1 Reference(Practitioner,PractitionerRole,Organization)
 priority 1 CodeableConcept
 fundsReserve ? CodeableConcept
 related * Claim.related
 prescription ? Reference(DeviceRequest,MedicationRequest,VisionPrescription)
 originalPrescription ? Reference(DeviceRequest,MedicationRequest,VisionPrescription)
 payee ? Claim.payee
 referral ? Reference(ServiceRequest)
 facility ? Reference(Location)
 careTeam * Claim.careTeam
 supportingInfo * Claim.supportingInfo
 diagnosis * Claim.diagnosis
 procedure * Claim.procedure
 insurance + Claim.insurance
 accident ? Claim.accident
 item * Claim.item
 total ? Money
Claim.related BackboneElement
 claim ? Reference(Claim)
 relationship ? CodeableConcept
 reference ? Identifier
Claim.payee BackboneElement
 type 1 CodeableConcept
 party ? Reference(Practitioner,PractitionerRole,Organization,Patient,RelatedPerson)
Claim.careTeam BackboneElement
 sequence 1 positiveInt
 provider 1 Reference(Practitioner,PractitionerRole,Organization)
 responsible ? boolean
 role ? CodeableConcept
 qualification ? CodeableConcept
Claim.supportingInfo BackboneElement
 sequence 1 positiveInt
 category 1 CodeableConcept
 code ? CodeableConcept
 timing[x] ? date|Period
 value[x] ? boolean|string|Quantity|Attachment|Reference
 reason ? CodeableConcept
Claim.diagnosis BackboneElement
 sequence 1 positiveInt
 diagnosis[x] 1 CodeableConcept|Reference(Condition)
 type * CodeableConcept
 onAdmission ? CodeableConcept
 packageCode ? CodeableConcept
Claim.procedure BackboneElement
 sequence 1 positiveInt
 type * CodeableConcept
 date ? dateTime
 procedure[x] 1 CodeableConcept|Reference(Procedure)
 udi * Reference(Device)
Claim.insurance BackboneElement
 sequence 1 positiveInt
 focal 1 boolean
 identifier ? Identifier
 coverage 1 Reference(Coverage)
 businessArrangement ? string
 preAuthRef * string
 claimResponse ? Reference(ClaimResponse)
Claim.accident BackboneElement
 date 1 date
 type ? CodeableConcept
 location[x] ? Address|Reference(Location)
Claim.item BackboneElement
 sequence 1 positiveInt
 careTeamSequence * positiveInt
 diagnosisSequence * positiveInt
 procedureSequence * positiveInt
 informationSequence * positiveInt
 revenue ? CodeableConcept
 category ? CodeableConcept
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 serviced[x] ? date|Period
 location[x] ? CodeableConcept|Address|Reference(Location)
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 udi * Reference(Device)
 bodySite ? CodeableConcept
 subSite * CodeableConcept
 encounter * Reference(Encounter)
 detail * Claim.item.detail
Claim.item.detail BackboneElement
 sequence 1 positiveInt
 revenue ? CodeableConcept
 category ? CodeableConcept
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 udi * Reference(Device)
 subDetail * Claim.item.detail.subDetail
Claim.item.detail.subDetail BackboneElement
 sequence 1 positiveInt
 revenue ? CodeableConcept
 category ? CodeableConcept
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 udi * Reference(Device)
ClaimResponse DomainResource
 identifier * Identifier
 status 1 code #fm-status
 type 1 CodeableConcept
 subType ? CodeableConcept
 use 1 code #claim-use
 patient 1 Reference(Patient)
 created 1 dateTime
 insurer 1 Reference(Organization)
 requestor ? Reference(Practitioner,PractitionerRole,Organization)
 request ? Reference(Claim)
 outcome 1 code #remittance-outcome
 disposition ? string
 preAuthRef ? string
 preAuthPeriod ? Period
 payeeType ? CodeableConcept
 item * ClaimResponse.item
 addItem * ClaimResponse.addItem
 adjudication * ClaimResponse.item.adjudication
 total * ClaimResponse.total
 payment ? ClaimResponse.payment
 fundsReserve ? CodeableConcept
 formCode ? CodeableConcept
 form ? Attachment
 processNote * ClaimResponse.processNote
 communicationRequest * Reference(CommunicationRequest)
 insurance * ClaimResponse.insurance
 error * ClaimResponse.error
ClaimResponse.item BackboneElement
 itemSequence 1 positiveInt
 noteNumber * positiveInt
 adjudication + ClaimResponse.item.adjudication
 detail * ClaimResponse.item.detail
ClaimResponse.item.adjudication BackboneElement
 category 1 CodeableConcept
 reason ? CodeableConcept
 amount ? Money
 value ? decimal
ClaimResponse.item.detail BackboneElement
 detailSequence 1 positiveInt
 noteNumber * positiveInt
 adjudication + ClaimResponse.item.adjudication
 subDetail * ClaimResponse.item.detail.subDetail
ClaimResponse.item.detail.subDetail BackboneElement
 subDetailSequence 1 positiveInt
 noteNumber * positiveInt
 adjudication * ClaimResponse.item.adjudication
ClaimResponse.addItem BackboneElement
 itemSequence * positiveInt
 detailSequence * positiveInt
 subdetailSequence * positiveInt
 provider * Reference(Practitioner,PractitionerRole,Organization)
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 serviced[x] ? date|Period
 location[x] ? CodeableConcept|Address|Reference(Location)
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 bodySite ? CodeableConcept
 subSite * CodeableConcept
 noteNumber * positiveInt
 adjudication + ClaimResponse.item.adjudication
 detail * ClaimResponse.addItem.detail
ClaimResponse.addItem.detail BackboneElement
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 noteNumber * positiveInt
 adjudication + ClaimResponse.item.adjudication
 subDetail * ClaimResponse.addItem.detail.subDetail
ClaimResponse.addItem.detail.subDetail BackboneElement
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 noteNumber * positiveInt
 adjudication + ClaimResponse.item.adjudication
ClaimResponse.total BackboneElement
 category 1 CodeableConcept
 amount 1 Money
ClaimResponse.payment BackboneElement
 type 1 CodeableConcept
 adjustment ? Money
 adjustmentReason ? CodeableConcept
 date ? date
 amount 1 Money
 identifier ? Identifier
ClaimResponse.processNote BackboneElement
 number ? positiveInt
 type ? code #note-type
 text 1 string
 language ? CodeableConcept
ClaimResponse.insurance BackboneElement
 sequence 1 positiveInt
 focal 1 boolean
 coverage 1 Reference(Coverage)
 businessArrangement ? string
 claimResponse ? Reference(ClaimResponse)
ClaimResponse.error BackboneElement
 itemSequence ? positiveInt
 detailSequence ? positiveInt
 subDetailSequence ? positiveInt
 code 1 CodeableConcept
ClinicalImpression DomainResource
 identifier * Identifier
 status 1 code #clinicalimpression-status
 statusReason ? CodeableConcept
 code ? CodeableConcept
 description ? string
 subject 1 Reference(Patient,Group)
 encounter ? Reference(Encounter)
 effective[x] ? dateTime|Period
 date ? dateTime
 assessor ? Reference(Practitioner,PractitionerRole)
 previous ? Reference(ClinicalImpression)
 problem * Reference(Condition,AllergyIntolerance)
 investigation * ClinicalImpression.investigation
 protocol * uri
 summary ? string
 finding * ClinicalImpression.finding
 prognosisCodeableConcept * CodeableConcept
 prognosisReference * Reference(RiskAssessment)
 supportingInfo * Reference
 note * Annotation
ClinicalImpression.investigation BackboneElement
 code 1 CodeableConcept
 item * Reference(Observation,QuestionnaireResponse,FamilyMemberHistory,DiagnosticReport,RiskAssessment,ImagingStudy,Media)
ClinicalImpression.finding BackboneElement
 itemCodeableConcept ? CodeableConcept
 itemReference ? Reference(Condition,Observation,Media)
 basis ? string
CodeSystem DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 caseSensitive ? boolean
 valueSet ? canonical
 hierarchyMeaning ? code #codesystem-hierarchy-meaning
 compositional ? boolean
 versionNeeded ? boolean
 content 1 code #codesystem-content-mode
 supplements ? canonical
 count ? unsignedInt
 filter * CodeSystem.filter
 property * CodeSystem.property
 concept * CodeSystem.concept
CodeSystem.filter BackboneElement
 code 1 code
 description ? string
 operator + code #filter-operator
 value 1 string
CodeSystem.property BackboneElement
 code 1 code
 uri ? uri
 description ? string
 type 1 code #concept-property-type
CodeSystem.concept BackboneElement
 code 1 code
 display ? string
 definition ? string
 designation * CodeSystem.concept.designation
 property * CodeSystem.concept.property
 concept * CodeSystem.concept
CodeSystem.concept.designation BackboneElement
 language ? code
 use ? Coding
 value 1 string
CodeSystem.concept.property BackboneElement
 code 1 code
 value[x] 1 code|Coding|string|integer|boolean|dateTime|decimal
CodeableConcept Element
 coding * Coding
 text ? string
Coding Element
 system ? uri
 version ? string
 code ? code
 display ? string
 userSelected ? boolean
Communication DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 basedOn * Reference
 partOf * Reference
 inResponseTo * Reference(Communication)
 status 1 code #event-status
 statusReason ? CodeableConcept
 category * CodeableConcept
 priority ? code #request-priority
 medium * CodeableConcept
 subject ? Reference(Patient,Group)
 topic ? CodeableConcept
 about * Reference
 encounter ? Reference(Encounter)
 sent ? dateTime
 received ? dateTime
 recipient * Reference(Device,Organization,Patient,Practitioner,PractitionerRole,RelatedPerson,Group,CareTeam,HealthcareService)
 sender ? Reference(Device,Organization,Patient,Practitioner,PractitionerRole,RelatedPerson,HealthcareService)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 payload * Communication.payload
 note * Annotation
Communication.payload BackboneElement
 content[x] 1 string|Attachment|Reference
CommunicationRequest DomainResource
 identifier * Identifier
 basedOn * Reference
 replaces * Reference(CommunicationRequest)
 groupIdentifier ? Identifier
 status 1 code #request-status
 statusReason ? CodeableConcept
 category * CodeableConcept
 priority ? code #request-priority
 doNotPerform ? boolean
 medium * CodeableConcept
 subject ? Reference(Patient,Group)
 about * Reference
 encounter ? Reference(Encounter)
 payload * CommunicationRequest.payload
 occurrence[x] ? dateTime|Period
 authoredOn ? dateTime
 requester ? Reference(Practitioner,PractitionerRole,Organization,Patient,RelatedPerson,Device)
 recipient * Reference(Device,Organization,Patient,Practitioner,PractitionerRole,RelatedPerson,Group,CareTeam,HealthcareService)
 sender ? Reference(Device,Organization,Patient,Practitioner,PractitionerRole,RelatedPerson,HealthcareService)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 note * Annotation
CommunicationRequest.payload BackboneElement
 content[x] 1 string|Attachment|Reference
CompartmentDefinition DomainResource
 url 1 uri
 version ? string
 name 1 string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 purpose ? markdown
 code 1 code #compartment-type
 search 1 boolean
 resource * CompartmentDefinition.resource
CompartmentDefinition.resource BackboneElement
 code 1 code #resource-types
 param * string
 documentation ? string
Composition DomainResource
 identifier ? Identifier
 status 1 code #composition-status
 type 1 CodeableConcept
 category * CodeableConcept
 subject ? Reference
 encounter ? Reference(Encounter)
 date 1 dateTime
 author + Reference(Practitioner,PractitionerRole,Device,Patient,RelatedPerson,Organization)
 title 1 string
 confidentiality ? code #v3-ConfidentialityClassification
 attester * Composition.attester
 custodian ? Reference(Organization)
 relatesTo * Composition.relatesTo
 event * Composition.event
 section * Composition.section
Composition.attester BackboneElement
 mode 1 code #composition-attestation-mode
 time ? dateTime
 party ? Reference(Patient,RelatedPerson,Practitioner,PractitionerRole,Organization)
Composition.relatesTo BackboneElement
 code 1 code #document-relationship-type
 target[x] 1 Identifier|Reference(Composition)
Composition.event BackboneElement
 code * CodeableConcept
 period ? Period
 detail * Reference
Composition.section BackboneElement
 title ? string
 code ? CodeableConcept
 author * Reference(Practitioner,PractitionerRole,Device,Patient,RelatedPerson,Organization)
 focus ? Reference
 text ? Narrative
 mode ? code #list-mode
 orderedBy ? CodeableConcept
 entry * Reference
 emptyReason ? CodeableConcept
 section * Composition.section
ConceptMap DomainResource
 url ? uri
 identifier ? Identifier
 version ? string
 name ? string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 source[x] ? uri|canonical
 target[x] ? uri|canonical
 group * ConceptMap.group
ConceptMap.group BackboneElement
 source ? uri
 sourceVersion ? string
 target ? uri
 targetVersion ? string
 element + ConceptMap.group.element
 unmapped ? ConceptMap.group.unmapped
ConceptMap.group.element BackboneElement
 code ? code
 display ? string
 target * ConceptMap.group.element.target
ConceptMap.group.element.target BackboneElement
 code ? code
 display ? string
 equivalence 1 code #concept-map-equivalence
 comment ? string
 dependsOn * ConceptMap.group.element.target.dependsOn
 product * ConceptMap.group.element.target.dependsOn
ConceptMap.group.element.target.dependsOn BackboneElement
 property 1 uri
 system ? canonical
 value 1 string
 display ? string
ConceptMap.group.unmapped BackboneElement
 mode 1 code #conceptmap-unmapped-mode
 code ? code
 display ? string
 url ? canonical
Condition DomainResource
 identifier * Identifier
 clinicalStatus ? CodeableConcept #condition-clinical
 verificationStatus ? CodeableConcept #condition-ver-status
 category * CodeableConcept
 severity ? CodeableConcept
 code ? CodeableConcept
 bodySite * CodeableConcept
 subject 1 Reference(Patient,Group)
 encounter ? Reference(Encounter)
 onset[x] ? dateTime|Age|Period|Range|string
 abatement[x] ? dateTime|Age|Period|Range|string
 recordedDate ? dateTime
 recorder ? Reference(Practitioner,PractitionerRole,Patient,RelatedPerson)
 asserter ? Reference(Practitioner,PractitionerRole,Patient,RelatedPerson)
 stage * Condition.stage
 evidence * Condition.evidence
 note * Annotation
Condition.stage BackboneElement
 summary ? CodeableConcept
 assessment * Reference(ClinicalImpression,DiagnosticReport,Observation)
 type ? CodeableConcept
Condition.evidence BackboneElement
 code * CodeableConcept
 detail * Reference
Consent DomainResource
 identifier * Identifier
 status 1 code #consent-state-codes
 scope 1 CodeableConcept
 category + CodeableConcept
 patient ? Reference(Patient)
 dateTime ? dateTime
 performer * Reference(Organization,Patient,Practitioner,RelatedPerson,PractitionerRole)
 organization * Reference(Organization)
 source[x] ? Attachment|Reference(Consent,DocumentReference,Contract,QuestionnaireResponse)
 policy * Consent.policy
 policyRule ? CodeableConcept
 verification * Consent.verification
 provision ? Consent.provision
Consent.policy BackboneElement
 authority ? uri
 uri ? uri
Consent.verification BackboneElement
 verified 1 boolean
 verifiedWith ? Reference(Patient,RelatedPerson)
 verificationDate ? dateTime
Consent.provision BackboneElement
 type ? code #consent-provision-type
 period ? Period
 actor * Consent.provision.actor
 action * CodeableConcept
 securityLabel * Coding
 purpose * Coding
 class * Coding
 code * CodeableConcept
 dataPeriod ? Period
 data * Consent.provision.data
 provision * Consent.provision
Consent.provision.actor BackboneElement
 role 1 CodeableConcept
 reference 1 Reference(Device,Group,CareTeam,Organization,Patient,Practitioner,RelatedPerson,PractitionerRole)
Consent.provision.data BackboneElement
 meaning 1 code #consent-data-meaning
 reference 1 Reference
ContactDetail Element
 name ? string
 telecom * ContactPoint
ContactPoint Element
 system ? code #contact-point-system
 value ? string
 use ? code #contact-point-use
 rank ? positiveInt
 period ? Period
Contract DomainResource
 identifier * Identifier
 url ? uri
 version ? string
 status ? code #contract-status
 legalState ? CodeableConcept
 instantiatesCanonical ? Reference(Contract)
 instantiatesUri ? uri
 contentDerivative ? CodeableConcept
 issued ? dateTime
 applies ? Period
 expirationType ? CodeableConcept
 subject * Reference
 authority * Reference(Organization)
 domain * Reference(Location)
 site * Reference(Location)
 name ? string
 title ? string
 subtitle ? string
 alias * string
 author ? Reference(Patient,Practitioner,PractitionerRole,Organization)
 scope ? CodeableConcept
 topic[x] ? CodeableConcept|Reference
 type ? CodeableConcept
 subType * CodeableConcept
 contentDefinition ? Contract.contentDefinition
 term * Contract.term
 supportingInfo * Reference
 relevantHistory * Reference(Provenance)
 signer * Contract.signer
 friendly * Contract.friendly
 legal * Contract.legal
 rule * Contract.rule
 legallyBinding[x] ? Attachment|Reference(Composition,DocumentReference,QuestionnaireResponse,Contract)
Contract.contentDefinition BackboneElement
 type 1 CodeableConcept
 subType ? CodeableConcept
 publisher ? Reference(Practitioner,PractitionerRole,Organization)
 publicationDate ? dateTime
 publicationStatus 1 code #contract-publicationstatus
 copyright ? markdown
Contract.term BackboneElement
 identifier ? Identifier
 issued ? dateTime
 applies ? Period
 topic[x] ? CodeableConcept|Reference
 type ? CodeableConcept
 subType ? CodeableConcept
 text ? string
 securityLabel * Contract.term.securityLabel
 offer 1 Contract.term.offer
 asset * Contract.term.asset
 action * Contract.term.action
 group * Contract.term
Contract.term.securityLabel BackboneElement
 number * unsignedInt
 classification 1 Coding
 category * Coding
 control * Coding
Contract.term.offer BackboneElement
 identifier * Identifier
 party * Contract.term.offer.party
 topic ? Reference
 type ? CodeableConcept
 decision ? CodeableConcept
 decisionMode * CodeableConcept
 answer * Contract.term.offer.answer
 text ? string
 linkId * string
 securityLabelNumber * unsignedInt
Contract.term.offer.party BackboneElement
 reference + Reference(Patient,RelatedPerson,Practitioner,PractitionerRole,Device,Group,Organization)
 role 1 CodeableConcept
Contract.term.offer.answer BackboneElement
 value[x] 1 boolean|decimal|integer|date|dateTime|time|string|uri|Attachment|Coding|Quantity|Reference
Contract.term.asset BackboneElement
 scope ? CodeableConcept
 type * CodeableConcept
 typeReference * Reference
 subtype * CodeableConcept
 relationship ? Coding
 context * Contract.term.asset.context
 condition ? string
 periodType * CodeableConcept
 period * Period
 usePeriod * Period
 text ? string
 linkId * string
 answer * Contract.term.offer.answer
 securityLabelNumber * unsignedInt
 valuedItem * Contract.term.asset.valuedItem
Contract.term.asset.context BackboneElement
 reference ? Reference
 code * CodeableConcept
 text ? string
Contract.term.asset.valuedItem BackboneElement
 entity[x] ? CodeableConcept|Reference
 identifier ? Identifier
 effectiveTime ? dateTime
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 points ? decimal
 net ? Money
 payment ? string
 paymentDate ? dateTime
 responsible ? Reference(Organization,Patient,Practitioner,PractitionerRole,RelatedPerson)
 recipient ? Reference(Organization,Patient,Practitioner,PractitionerRole,RelatedPerson)
 linkId * string
 securityLabelNumber * unsignedInt
Contract.term.action BackboneElement
 doNotPerform ? boolean
 type 1 CodeableConcept
 subject * Contract.term.action.subject
 intent 1 CodeableConcept
 linkId * string
 status 1 CodeableConcept
 context ? Reference(Encounter,EpisodeOfCare)
 contextLinkId * string
 occurrence[x] ? dateTime|Period|Timing
 requester * Reference(Patient,RelatedPerson,Practitioner,PractitionerRole,Device,Group,Organization)
 requesterLinkId * string
 performerType * CodeableConcept
 performerRole ? CodeableConcept
 performer ? Reference(RelatedPerson,Patient,Practitioner,PractitionerRole,CareTeam,Device,Substance,Organization,Location)
 performerLinkId * string
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference,Questionnaire,QuestionnaireResponse)
 reason * string
 reasonLinkId * string
 note * Annotation
 securityLabelNumber * unsignedInt
Contract.term.action.subject BackboneElement
 reference + Reference(Patient,RelatedPerson,Practitioner,PractitionerRole,Device,Group,Organization)
 role ? CodeableConcept
Contract.signer BackboneElement
 type 1 Coding
 party 1 Reference(Organization,Patient,Practitioner,PractitionerRole,RelatedPerson)
 signature + Signature
Contract.friendly BackboneElement
 content[x] 1 Attachment|Reference(Composition,DocumentReference,QuestionnaireResponse)
Contract.legal BackboneElement
 content[x] 1 Attachment|Reference(Composition,DocumentReference,QuestionnaireResponse)
Contract.rule BackboneElement
 content[x] 1 Attachment|Reference(DocumentReference)
Contributor Element
 type 1 code #contributor-type
 name 1 string
 contact * ContactDetail
Count Quantity
Coverage DomainResource
 identifier * Identifier
 status 1 code #fm-status
 type ? CodeableConcept
 policyHolder ? Reference(Patient,RelatedPerson,Organization)
 subscriber ? Reference(Patient,RelatedPerson)
 subscriberId ? string
 beneficiary 1 Reference(Patient)
 dependent ? string
 relationship ? CodeableConcept
 period ? Period
 payor + Reference(Organization,Patient,RelatedPerson)
 class * Coverage.class
 order ? positiveInt
 network ? string
 costToBeneficiary * Coverage.costToBeneficiary
 subrogation ? boolean
 contract * Reference(Contract)
Coverage.class BackboneElement
 type 1 CodeableConcept
 value 1 string
 name ? string
Coverage.costToBeneficiary BackboneElement
 type ? CodeableConcept
 value[x] 1 SimpleQuantity|Money
 exception * Coverage.costToBeneficiary.exception
Coverage.costToBeneficiary.exception BackboneElement
 type 1 CodeableConcept
 period ? Period
CoverageEligibilityRequest DomainResource
 identifier * Identifier
 status 1 code #fm-status
 priority ? CodeableConcept
 purpose + code #eligibilityrequest-purpose
 patient 1 Reference(Patient)
 serviced[x] ? date|Period
 created 1 dateTime
 enterer ? Reference(Practitioner,PractitionerRole)
 provider ? Reference(Practitioner,PractitionerRole,Organization)
 insurer 1 Reference(Organization)
 facility ? Reference(Location)
 supportingInfo * CoverageEligibilityRequest.supportingInfo
 insurance * CoverageEligibilityRequest.insurance
 item * CoverageEligibilityRequest.item
CoverageEligibilityRequest.supportingInfo BackboneElement
 sequence 1 positiveInt
 information 1 Reference
 appliesToAll ? boolean
CoverageEligibilityRequest.insurance BackboneElement
 focal ? boolean
 coverage 1 Reference(Coverage)
 businessArrangement ? string
CoverageEligibilityRequest.item BackboneElement
 supportingInfoSequence * positiveInt
 category ? CodeableConcept
 productOrService ? CodeableConcept
 modifier * CodeableConcept
 provider ? Reference(Practitioner,PractitionerRole)
 quantity ? SimpleQuantity
 unitPrice ? Money
 facility ? Reference(Location,Organization)
 diagnosis * CoverageEligibilityRequest.item.diagnosis
 detail * Reference
CoverageEligibilityRequest.item.diagnosis BackboneElement
 diagnosis[x] ? CodeableConcept|Reference(Condition)
CoverageEligibilityResponse DomainResource
 identifier * Identifier
 status 1 code #fm-status
 purpose + code #eligibilityresponse-purpose
 patient 1 Reference(Patient)
 serviced[x] ? date|Period
 created 1 dateTime
 requestor ? Reference(Practitioner,PractitionerRole,Organization)
 request 1 Reference(CoverageEligibilityRequest)
 outcome 1 code #remittance-outcome
 disposition ? string
 insurer 1 Reference(Organization)
 insurance * CoverageEligibilityResponse.insurance
 preAuthRef ? string
 form ? CodeableConcept
 error * CoverageEligibilityResponse.error
CoverageEligibilityResponse.insurance BackboneElement
 coverage 1 Reference(Coverage)
 inforce ? boolean
 benefitPeriod ? Period
 item * CoverageEligibilityResponse.insurance.item
CoverageEligibilityResponse.insurance.item BackboneElement
 category ? CodeableConcept
 productOrService ? CodeableConcept
 modifier * CodeableConcept
 provider ? Reference(Practitioner,PractitionerRole)
 excluded ? boolean
 name ? string
 description ? string
 network ? CodeableConcept
 unit ? CodeableConcept
 term ? CodeableConcept
 benefit * CoverageEligibilityResponse.insurance.item.benefit
 authorizationRequired ? boolean
 authorizationSupporting * CodeableConcept
 authorizationUrl ? uri
CoverageEligibilityResponse.insurance.item.benefit BackboneElement
 type 1 CodeableConcept
 allowed[x] ? unsignedInt|string|Money
 used[x] ? unsignedInt|string|Money
CoverageEligibilityResponse.error BackboneElement
 code 1 CodeableConcept
DataRequirement Element
 type 1 code #all-types
 profile * canonical
 subject[x] ? CodeableConcept|Reference(Group)
 mustSupport * string
 codeFilter * DataRequirement.codeFilter
 dateFilter * DataRequirement.dateFilter
 limit ? positiveInt
 sort * DataRequirement.sort
DataRequirement.codeFilter Element
 path ? string
 searchParam ? string
 valueSet ? canonical
 code * Coding
DataRequirement.dateFilter Element
 path ? string
 searchParam ? string
 value[x] ? dateTime|Period|Duration
DataRequirement.sort Element
 path 1 string
 direction 1 code #sort-direction
DetectedIssue DomainResource
 identifier * Identifier
 status 1 code #observation-status
 code ? CodeableConcept
 severity ? code #detectedissue-severity
 patient ? Reference(Patient)
 identified[x] ? dateTime|Period
 author ? Reference(Practitioner,PractitionerRole,Device)
 implicated * Reference
 evidence * DetectedIssue.evidence
 detail ? string
 reference ? uri
 mitigation * DetectedIssue.mitigation
DetectedIssue.evidence BackboneElement
 code * CodeableConcept
 detail * Reference
DetectedIssue.mitigation BackboneElement
 action 1 CodeableConcept
 date ? dateTime
 author ? Reference(Practitioner,PractitionerRole)
Device DomainResource
 identifier * Identifier
 definition ? Reference(DeviceDefinition)
 udiCarrier * Device.udiCarrier
 status ? code #device-status
 statusReason * CodeableConcept
 distinctIdentifier ? string
 manufacturer ? string
 manufactureDate ? dateTime
 expirationDate ? dateTime
 lotNumber ? string
 serialNumber ? string
 deviceName * Device.deviceName
 modelNumber ? string
 partNumber ? string
 type ? CodeableConcept
 specialization * Device.specialization
 version * Device.version
 property * Device.property
 patient ? Reference(Patient)
 owner ? Reference(Organization)
 contact * ContactPoint
 location ? Reference(Location)
 url ? uri
 note * Annotation
 safety * CodeableConcept
 parent ? Reference(Device)
Device.udiCarrier BackboneElement
 deviceIdentifier ? string
 issuer ? uri
 jurisdiction ? uri
 carrierAIDC ? base64Binary
 carrierHRF ? string
 entryType ? code #udi-entry-type
Device.deviceName BackboneElement
 name 1 string
 type 1 code #device-nametype
Device.specialization BackboneElement
 systemType 1 CodeableConcept
 version ? string
Device.version BackboneElement
 type ? CodeableConcept
 component ? Identifier
 value 1 string
Device.property BackboneElement
 type 1 CodeableConcept
 valueQuantity * Quantity
 valueCode * CodeableConcept
DeviceDefinition DomainResource
 identifier * Identifier
 udiDeviceIdentifier * DeviceDefinition.udiDeviceIdentifier
 manufacturer[x] ? string|Reference(Organization)
 deviceName * DeviceDefinition.deviceName
 modelNumber ? string
 type ? CodeableConcept
 specialization * DeviceDefinition.specialization
 version * string
 safety * CodeableConcept
 shelfLifeStorage * ProductShelfLife
 physicalCharacteristics ? ProdCharacteristic
 languageCode * CodeableConcept
 capability * DeviceDefinition.capability
 property * DeviceDefinition.property
 owner ? Reference(Organization)
 contact * ContactPoint
 url ? uri
 onlineInformation ? uri
 note * Annotation
 quantity ? Quantity
 parentDevice ? Reference(DeviceDefinition)
 material * DeviceDefinition.material
DeviceDefinition.udiDeviceIdentifier BackboneElement
 deviceIdentifier 1 string
 issuer 1 uri
 jurisdiction 1 uri
DeviceDefinition.deviceName BackboneElement
 name 1 string
 type 1 code #device-nametype
DeviceDefinition.specialization BackboneElement
 systemType 1 string
 version ? string
DeviceDefinition.capability BackboneElement
 type 1 CodeableConcept
 description * CodeableConcept
DeviceDefinition.property BackboneElement
 type 1 CodeableConcept
 valueQuantity * Quantity
 valueCode * CodeableConcept
DeviceDefinition.material BackboneElement
 substance 1 CodeableConcept
 alternate ? boolean
 allergenicIndicator ? boolean
DeviceMetric DomainResource
 identifier * Identifier
 type 1 CodeableConcept
 unit ? CodeableConcept
 source ? Reference(Device)
 parent ? Reference(Device)
 operationalStatus ? code #metric-operational-status
 color ? code #metric-color
 category 1 code #metric-category
 measurementPeriod ? Timing
 calibration * DeviceMetric.calibration
DeviceMetric.calibration BackboneElement
 type ? code #metric-calibration-type
 state ? code #metric-calibration-state
 time ? instant
DeviceRequest DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 basedOn * Reference
 priorRequest * Reference
 groupIdentifier ? Identifier
 status ? code #request-status
 intent 1 code #request-intent
 priority ? code #request-priority
 code[x] 1 Reference(Device)|CodeableConcept
 parameter * DeviceRequest.parameter
 subject 1 Reference(Patient,Group,Location,Device)
 encounter ? Reference(Encounter)
 occurrence[x] ? dateTime|Period|Timing
 authoredOn ? dateTime
 requester ? Reference(Device,Practitioner,PractitionerRole,Organization)
 performerType ? CodeableConcept
 performer ? Reference(Practitioner,PractitionerRole,Organization,CareTeam,HealthcareService,Patient,Device,RelatedPerson)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 insurance * Reference(Coverage,ClaimResponse)
 supportingInfo * Reference
 note * Annotation
 relevantHistory * Reference(Provenance)
DeviceRequest.parameter BackboneElement
 code ? CodeableConcept
 value[x] ? CodeableConcept|Quantity|Range|boolean
DeviceUseStatement DomainResource
 identifier * Identifier
 basedOn * Reference(ServiceRequest)
 status 1 code #device-statement-status
 subject 1 Reference(Patient,Group)
 derivedFrom * Reference(ServiceRequest,Procedure,Claim,Observation,QuestionnaireResponse,DocumentReference)
 timing[x] ? Timing|Period|dateTime
 recordedOn ? dateTime
 source ? Reference(Patient,Practitioner,PractitionerRole,RelatedPerson)
 device 1 Reference(Device)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference,Media)
 bodySite ? CodeableConcept
 note * Annotation
DiagnosticReport DomainResource
 identifier * Identifier
 basedOn * Reference(CarePlan,ImmunizationRecommendation,MedicationRequest,NutritionOrder,ServiceRequest)
 status 1 code #diagnostic-report-status
 category * CodeableConcept
 code 1 CodeableConcept
 subject ? Reference(Patient,Group,Device,Location)
 encounter ? Reference(Encounter)
 effective[x] ? dateTime|Period
 issued ? instant
 performer * Reference(Practitioner,PractitionerRole,Organization,CareTeam)
 resultsInterpreter * Reference(Practitioner,PractitionerRole,Organization,CareTeam)
 specimen * Reference(Specimen)
 result * Reference(Observation)
 imagingStudy * Reference(ImagingStudy)
 media * DiagnosticReport.media
 conclusion ? string
 conclusionCode * CodeableConcept
 presentedForm * Attachment
DiagnosticReport.media BackboneElement
 comment ? string
 link 1 Reference(Media)
Distance Quantity
DocumentManifest DomainResource
 masterIdentifier ? Identifier
 identifier * Identifier
 status 1 code #document-reference-status
 type ? CodeableConcept
 subject ? Reference(Patient,Practitioner,Group,Device)
 created ? dateTime
 author * Reference(Practitioner,PractitionerRole,Organization,Device,Patient,RelatedPerson)
 recipient * Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Organization)
 source ? uri
 description ? string
 content + Reference
 related * DocumentManifest.related
DocumentManifest.related BackboneElement
 identifier ? Identifier
 ref ? Reference
DocumentReference DomainResource
 masterIdentifier ? Identifier
 identifier * Identifier
 status 1 code #document-reference-status
 docStatus ? code #composition-status
 type ? CodeableConcept
 category * CodeableConcept
 subject ? Reference(Patient,Practitioner,Group,Device)
 date ? instant
 author * Reference(Practitioner,PractitionerRole,Organization,Device,Patient,RelatedPerson)
 authenticator ? Reference(Practitioner,PractitionerRole,Organization)
 custodian ? Reference(Organization)
 relatesTo * DocumentReference.relatesTo
 description ? string
 securityLabel * CodeableConcept
 content + DocumentReference.content
 context ? DocumentReference.context
DocumentReference.relatesTo BackboneElement
 code 1 code #document-relationship-type
 target 1 Reference(DocumentReference)
DocumentReference.content BackboneElement
 attachment 1 Attachment
 format ? Coding
DocumentReference.context BackboneElement
 encounter * Reference(Encounter,EpisodeOfCare)
 event * CodeableConcept
 period ? Period
 facilityType ? CodeableConcept
 practiceSetting ? CodeableConcept
 sourcePatientInfo ? Reference(Patient)
 related * Reference
DomainResource Resource
 text ? Narrative
 contained * Resource
 extension * Extension
 modifierExtension * Extension
Dosage BackboneElement
 sequence ? integer
 text ? string
 additionalInstruction * CodeableConcept
 patientInstruction ? string
 timing ? Timing
 asNeeded[x] ? boolean|CodeableConcept
 site ? CodeableConcept
 route ? CodeableConcept
 method ? CodeableConcept
 doseAndRate * Dosage.doseAndRate
 maxDosePerPeriod ? Ratio
 maxDosePerAdministration ? SimpleQuantity
 maxDosePerLifetime ? SimpleQuantity
Dosage.doseAndRate Element
 type ? CodeableConcept
 dose[x] ? Range|SimpleQuantity
 rate[x] ? Ratio|Range|SimpleQuantity
Duration Quantity
EffectEvidenceSynthesis DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 status 1 code #publication-status
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 note * Annotation
 useContext * UsageContext
 jurisdiction * CodeableConcept
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 synthesisType ? CodeableConcept
 studyType ? CodeableConcept
 population 1 Reference(EvidenceVariable)
 exposure 1 Reference(EvidenceVariable)
 exposureAlternative 1 Reference(EvidenceVariable)
 outcome 1 Reference(EvidenceVariable)
 sampleSize ? EffectEvidenceSynthesis.sampleSize
 resultsByExposure * EffectEvidenceSynthesis.resultsByExposure
 effectEstimate * EffectEvidenceSynthesis.effectEstimate
 certainty * EffectEvidenceSynthesis.certainty
EffectEvidenceSynthesis.sampleSize BackboneElement
 description ? string
 numberOfStudies ? integer
 numberOfParticipants ? integer
EffectEvidenceSynthesis.resultsByExposure BackboneElement
 description ? string
 exposureState ? code #exposure-state
 variantState ? CodeableConcept
 riskEvidenceSynthesis 1 Reference(RiskEvidenceSynthesis)
EffectEvidenceSynthesis.effectEstimate BackboneElement
 description ? string
 type ? CodeableConcept
 variantState ? CodeableConcept
 value ? decimal
 unitOfMeasure ? CodeableConcept
 precisionEstimate * EffectEvidenceSynthesis.effectEstimate.precisionEstimate
EffectEvidenceSynthesis.effectEstimate.precisionEstimate BackboneElement
 type ? CodeableConcept
 level ? decimal
 from ? decimal
 to ? decimal
EffectEvidenceSynthesis.certainty BackboneElement
 rating * CodeableConcept
 note * Annotation
 certaintySubcomponent * EffectEvidenceSynthesis.certainty.certaintySubcomponent
EffectEvidenceSynthesis.certainty.certaintySubcomponent BackboneElement
 type ? CodeableConcept
 rating * CodeableConcept
 note * Annotation
Element
 id ? string
 extension * Extension
ElementDefinition BackboneElement
 path 1 string
 representation * code #property-representation
 sliceName ? string
 sliceIsConstraining ? boolean
 label ? string
 code * Coding
 slicing ? ElementDefinition.slicing
 short ? string
 definition ? markdown
 comment ? markdown
 requirements ? markdown
 alias * string
 min ? unsignedInt
 max ? string
 base ? ElementDefinition.base
 contentReference ? uri
 type * ElementDefinition.type
 defaultValue[x] ? base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
 meaningWhenMissing ? markdown
 orderMeaning ? string
 fixed[x] ? base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
 pattern[x] ? base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
 example * ElementDefinition.example
 minValue[x] ? date|dateTime|instant|time|decimal|integer|positiveInt|unsignedInt|Quantity
 maxValue[x] ? date|dateTime|instant|time|decimal|integer|positiveInt|unsignedInt|Quantity
 maxLength ? integer
 condition * id
 constraint * ElementDefinition.constraint
 mustSupport ? boolean
 isModifier ? boolean
 isModifierReason ? string
 isSummary ? boolean
 binding ? ElementDefinition.binding
 mapping * ElementDefinition.mapping
ElementDefinition.slicing Element
 discriminator * ElementDefinition.slicing.discriminator
 description ? string
 ordered ? boolean
 rules 1 code #resource-slicing-rules
ElementDefinition.slicing.discriminator Element
 type 1 code #discriminator-type
 path 1 string
ElementDefinition.base Element
 path 1 string
 min 1 unsignedInt
 max 1 string
ElementDefinition.type Element
 code 1 uri
 profile * canonical
 targetProfile * canonical
 aggregation * code #resource-aggregation-mode
 versioning ? code #reference-version-rules
ElementDefinition.example Element
 label 1 string
 value[x] 1 base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
ElementDefinition.constraint Element
 key 1 id
 requirements ? string
 severity 1 code #constraint-severity
 human 1 string
 expression ? string
 xpath ? string
 source ? canonical
ElementDefinition.binding Element
 strength 1 code #binding-strength
 description ? string
 valueSet ? canonical
ElementDefinition.mapping Element
 identity 1 id
 language ? code
 map 1 string
 comment ? string
Encounter DomainResource
 identifier * Identifier
 status 1 code #encounter-status
 statusHistory * Encounter.statusHistory
 class 1 Coding
 classHistory * Encounter.classHistory
 type * CodeableConcept
 serviceType ? CodeableConcept
 priority ? CodeableConcept
 subject ? Reference(Patient,Group)
 episodeOfCare * Reference(EpisodeOfCare)
 basedOn * Reference(ServiceRequest)
 participant * Encounter.participant
 appointment * Reference(Appointment)
 period ? Period
 length ? Duration
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Procedure,Observation,ImmunizationRecommendation)
 diagnosis * Encounter.diagnosis
 account * Reference(Account)
 hospitalization ? Encounter.hospitalization
 location * Encounter.location
 serviceProvider ? Reference(Organization)
 partOf ? Reference(Encounter)
Encounter.statusHistory BackboneElement
 status 1 code #encounter-status
 period 1 Period
Encounter.classHistory BackboneElement
 class 1 Coding
 period 1 Period
Encounter.participant BackboneElement
 type * CodeableConcept
 period ? Period
 individual ? Reference(Practitioner,PractitionerRole,RelatedPerson)
Encounter.diagnosis BackboneElement
 condition 1 Reference(Condition,Procedure)
 use ? CodeableConcept
 rank ? positiveInt
Encounter.hospitalization BackboneElement
 preAdmissionIdentifier ? Identifier
 origin ? Reference(Location,Organization)
 admitSource ? CodeableConcept
 reAdmission ? CodeableConcept
 dietPreference * CodeableConcept
 specialCourtesy * CodeableConcept
 specialArrangement * CodeableConcept
 destination ? Reference(Location,Organization)
 dischargeDisposition ? CodeableConcept
Encounter.location BackboneElement
 location 1 Reference(Location)
 status ? code #encounter-location-status
 physicalType ? CodeableConcept
 period ? Period
Endpoint DomainResource
 identifier * Identifier
 status 1 code #endpoint-status
 connectionType 1 Coding
 name ? string
 managingOrganization ? Reference(Organization)
 contact * ContactPoint
 period ? Period
 payloadType + CodeableConcept
 payloadMimeType * code
 address 1 url
 header * string
EnrollmentRequest DomainResource
 identifier * Identifier
 status ? code #fm-status
 created ? dateTime
 insurer ? Reference(Organization)
 provider ? Reference(Practitioner,PractitionerRole,Organization)
 candidate ? Reference(Patient)
 coverage ? Reference(Coverage)
EnrollmentResponse DomainResource
 identifier * Identifier
 status ? code #fm-status
 request ? Reference(EnrollmentRequest)
 outcome ? code #remittance-outcome
 disposition ? string
 created ? dateTime
 organization ? Reference(Organization)
 requestProvider ? Reference(Practitioner,PractitionerRole,Organization)
EpisodeOfCare DomainResource
 identifier * Identifier
 status 1 code #episode-of-care-status
 statusHistory * EpisodeOfCare.statusHistory
 type * CodeableConcept
 diagnosis * EpisodeOfCare.diagnosis
 patient 1 Reference(Patient)
 managingOrganization ? Reference(Organization)
 period ? Period
 referralRequest * Reference(ServiceRequest)
 careManager ? Reference(Practitioner,PractitionerRole)
 team * Reference(CareTeam)
 account * Reference(Account)
EpisodeOfCare.statusHistory BackboneElement
 status 1 code #episode-of-care-status
 period 1 Period
EpisodeOfCare.diagnosis BackboneElement
 condition 1 Reference(Condition)
 role ? CodeableConcept
 rank ? positiveInt
EventDefinition DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 subtitle ? string
 status 1 code #publication-status
 experimental ? boolean
 subject[x] ? CodeableConcept|Reference(Group)
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 usage ? string
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 trigger + TriggerDefinition
Evidence DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 shortTitle ? string
 subtitle ? string
 status 1 code #publication-status
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 note * Annotation
 useContext * UsageContext
 jurisdiction * CodeableConcept
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 exposureBackground 1 Reference(EvidenceVariable)
 exposureVariant * Reference(EvidenceVariable)
 outcome * Reference(EvidenceVariable)
EvidenceVariable DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 shortTitle ? string
 subtitle ? string
 status 1 code #publication-status
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 note * Annotation
 useContext * UsageContext
 jurisdiction * CodeableConcept
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 type ? code #variable-type
 characteristic + EvidenceVariable.characteristic
EvidenceVariable.characteristic BackboneElement
 description ? string
 definition[x] 1 Reference(Group)|canonical|CodeableConcept|Expression|DataRequirement|TriggerDefinition
 usageContext * UsageContext
 exclude ? boolean
 participantEffective[x] ? dateTime|Period|Duration|Timing
 timeFromStart ? Duration
 groupMeasure ? code #group-measure
ExampleScenario DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 useContext * UsageContext
 jurisdiction * CodeableConcept
 copyright ? markdown
 purpose ? markdown
 actor * ExampleScenario.actor
 instance * ExampleScenario.instance
 process * ExampleScenario.process
 workflow * canonical
ExampleScenario.actor BackboneElement
 actorId 1 string
 type 1 code #examplescenario-actor-type
 name ? string
 description ? markdown
ExampleScenario.instance BackboneElement
 resourceId 1 string
 resourceType 1 code #resource-types
 name ? string
 description ? markdown
 version * ExampleScenario.instance.version
 containedInstance * ExampleScenario.instance.containedInstance
ExampleScenario.instance.version BackboneElement
 versionId 1 string
 description 1 markdown
ExampleScenario.instance.containedInstance BackboneElement
 resourceId 1 string
 versionId ? string
ExampleScenario.process BackboneElement
 title 1 string
 description ? markdown
 preConditions ? markdown
 postConditions ? markdown
 step * ExampleScenario.process.step
ExampleScenario.process.step BackboneElement
 process * ExampleScenario.process
 pause ? boolean
 operation ? ExampleScenario.process.step.operation
 alternative * ExampleScenario.process.step.alternative
ExampleScenario.process.step.operation BackboneElement
 number 1 string
 type ? string
 name ? string
 initiator ? string
 receiver ? string
 description ? markdown
 initiatorActive ? boolean
 receiverActive ? boolean
 request ? ExampleScenario.instance.containedInstance
 response ? ExampleScenario.instance.containedInstance
ExampleScenario.process.step.alternative BackboneElement
 title 1 string
 description ? markdown
 step * ExampleScenario.process.step
ExplanationOfBenefit DomainResource
 identifier * Identifier
 status 1 code #explanationofbenefit-status
 type 1 CodeableConcept
 subType ? CodeableConcept
 use 1 code #claim-use
 patient 1 Reference(Patient)
 billablePeriod ? Period
 created 1 dateTime
 enterer ? Reference(Practitioner,PractitionerRole)
 insurer 1 Reference(Organization)
 provider 1 Reference(Practitioner,PractitionerRole,Organization)
 priority ? CodeableConcept
 fundsReserveRequested ? CodeableConcept
 fundsReserve ? CodeableConcept
 related * ExplanationOfBenefit.related
 prescription ? Reference(MedicationRequest,VisionPrescription)
 originalPrescription ? Reference(MedicationRequest)
 payee ? ExplanationOfBenefit.payee
 referral ? Reference(ServiceRequest)
 facility ? Reference(Location)
 claim ? Reference(Claim)
 claimResponse ? Reference(ClaimResponse)
 outcome 1 code #remittance-outcome
 disposition ? string
 preAuthRef * string
 preAuthRefPeriod * Period
 careTeam * ExplanationOfBenefit.careTeam
 supportingInfo * ExplanationOfBenefit.supportingInfo
 diagnosis * ExplanationOfBenefit.diagnosis
 procedure * ExplanationOfBenefit.procedure
 precedence ? positiveInt
 insurance + ExplanationOfBenefit.insurance
 accident ? ExplanationOfBenefit.accident
 item * ExplanationOfBenefit.item
 addItem * ExplanationOfBenefit.addItem
 adjudication * ExplanationOfBenefit.item.adjudication
 total * ExplanationOfBenefit.total
 payment ? ExplanationOfBenefit.payment
 formCode ? CodeableConcept
 form ? Attachment
 processNote * ExplanationOfBenefit.processNote
 benefitPeriod ? Period
 benefitBalance * ExplanationOfBenefit.benefitBalance
ExplanationOfBenefit.related BackboneElement
 claim ? Reference(Claim)
 relationship ? CodeableConcept
 reference ? Identifier
ExplanationOfBenefit.payee BackboneElement
 type ? CodeableConcept
 party ? Reference(Practitioner,PractitionerRole,Organization,Patient,RelatedPerson)
ExplanationOfBenefit.careTeam BackboneElement
 sequence 1 positiveInt
 provider 1 Reference(Practitioner,PractitionerRole,Organization)
 responsible ? boolean
 role ? CodeableConcept
 qualification ? CodeableConcept
ExplanationOfBenefit.supportingInfo BackboneElement
 sequence 1 positiveInt
 category 1 CodeableConcept
 code ? CodeableConcept
 timing[x] ? date|Period
 value[x] ? boolean|string|Quantity|Attachment|Reference
 reason ? Coding
ExplanationOfBenefit.diagnosis BackboneElement
 sequence 1 positiveInt
 diagnosis[x] 1 CodeableConcept|Reference(Condition)
 type * CodeableConcept
 onAdmission ? CodeableConcept
 packageCode ? CodeableConcept
ExplanationOfBenefit.procedure BackboneElement
 sequence 1 positiveInt
 type * CodeableConcept
 date ? dateTime
 procedure[x] 1 CodeableConcept|Reference(Procedure)
 udi * Reference(Device)
ExplanationOfBenefit.insurance BackboneElement
 focal 1 boolean
 coverage 1 Reference(Coverage)
 preAuthRef * string
ExplanationOfBenefit.accident BackboneElement
 date ? date
 type ? CodeableConcept
 location[x] ? Address|Reference(Location)
ExplanationOfBenefit.item BackboneElement
 sequence 1 positiveInt
 careTeamSequence * positiveInt
 diagnosisSequence * positiveInt
 procedureSequence * positiveInt
 informationSequence * positiveInt
 revenue ? CodeableConcept
 category ? CodeableConcept
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 serviced[x] ? date|Period
 location[x] ? CodeableConcept|Address|Reference(Location)
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 udi * Reference(Device)
 bodySite ? CodeableConcept
 subSite * CodeableConcept
 encounter * Reference(Encounter)
 noteNumber * positiveInt
 adjudication * ExplanationOfBenefit.item.adjudication
 detail * ExplanationOfBenefit.item.detail
ExplanationOfBenefit.item.adjudication BackboneElement
 category 1 CodeableConcept
 reason ? CodeableConcept
 amount ? Money
 value ? decimal
ExplanationOfBenefit.item.detail BackboneElement
 sequence 1 positiveInt
 revenue ? CodeableConcept
 category ? CodeableConcept
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 udi * Reference(Device)
 noteNumber * positiveInt
 adjudication * ExplanationOfBenefit.item.adjudication
 subDetail * ExplanationOfBenefit.item.detail.subDetail
ExplanationOfBenefit.item.detail.subDetail BackboneElement
 sequence 1 positiveInt
 revenue ? CodeableConcept
 category ? CodeableConcept
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 udi * Reference(Device)
 noteNumber * positiveInt
 adjudication * ExplanationOfBenefit.item.adjudication
ExplanationOfBenefit.addItem BackboneElement
 itemSequence * positiveInt
 detailSequence * positiveInt
 subDetailSequence * positiveInt
 provider * Reference(Practitioner,PractitionerRole,Organization)
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 programCode * CodeableConcept
 serviced[x] ? date|Period
 location[x] ? CodeableConcept|Address|Reference(Location)
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 bodySite ? CodeableConcept
 subSite * CodeableConcept
 noteNumber * positiveInt
 adjudication * ExplanationOfBenefit.item.adjudication
 detail * ExplanationOfBenefit.addItem.detail
ExplanationOfBenefit.addItem.detail BackboneElement
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 noteNumber * positiveInt
 adjudication * ExplanationOfBenefit.item.adjudication
 subDetail * ExplanationOfBenefit.addItem.detail.subDetail
ExplanationOfBenefit.addItem.detail.subDetail BackboneElement
 productOrService 1 CodeableConcept
 modifier * CodeableConcept
 quantity ? SimpleQuantity
 unitPrice ? Money
 factor ? decimal
 net ? Money
 noteNumber * positiveInt
 adjudication * ExplanationOfBenefit.item.adjudication
ExplanationOfBenefit.total BackboneElement
 category 1 CodeableConcept
 amount 1 Money
ExplanationOfBenefit.payment BackboneElement
 type ? CodeableConcept
 adjustment ? Money
 adjustmentReason ? CodeableConcept
 date ? date
 amount ? Money
 identifier ? Identifier
ExplanationOfBenefit.processNote BackboneElement
 number ? positiveInt
 type ? code #note-type
 text ? string
 language ? CodeableConcept
ExplanationOfBenefit.benefitBalance BackboneElement
 category 1 CodeableConcept
 excluded ? boolean
 name ? string
 description ? string
 network ? CodeableConcept
 unit ? CodeableConcept
 term ? CodeableConcept
 financial * ExplanationOfBenefit.benefitBalance.financial
ExplanationOfBenefit.benefitBalance.financial BackboneElement
 type 1 CodeableConcept
 allowed[x] ? unsignedInt|string|Money
 used[x] ? unsignedInt|Money
Expression Element
 description ? string
 name ? id
 language 1 code
 expression ? string
 reference ? uri
Extension Element
 url 1 uri
 value[x] ? base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
FamilyMemberHistory DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 status 1 code #history-status
 dataAbsentReason ? CodeableConcept
 patient 1 Reference(Patient)
 date ? dateTime
 name ? string
 relationship 1 CodeableConcept
 sex ? CodeableConcept
 born[x] ? Period|date|string
 age[x] ? Age|Range|string
 estimatedAge ? boolean
 deceased[x] ? boolean|Age|Range|date|string
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,AllergyIntolerance,QuestionnaireResponse,DiagnosticReport,DocumentReference)
 note * Annotation
 condition * FamilyMemberHistory.condition
FamilyMemberHistory.condition BackboneElement
 code 1 CodeableConcept
 outcome ? CodeableConcept
 contributedToDeath ? boolean
 onset[x] ? Age|Range|Period|string
 note * Annotation
Flag DomainResource
 identifier * Identifier
 status 1 code #flag-status
 category * CodeableConcept
 code 1 CodeableConcept
 subject 1 Reference(Patient,Location,Group,Organization,Practitioner,PlanDefinition,Medication,Procedure)
 period ? Period
 encounter ? Reference(Encounter)
 author ? Reference(Device,Organization,Patient,Practitioner,PractitionerRole)
Goal DomainResource
 identifier * Identifier
 lifecycleStatus 1 code #goal-status
 achievementStatus ? CodeableConcept
 category * CodeableConcept
 priority ? CodeableConcept
 description 1 CodeableConcept
 subject 1 Reference(Patient,Group,Organization)
 start[x] ? date|CodeableConcept
 target * Goal.target
 statusDate ? date
 statusReason ? string
 expressedBy ? Reference(Patient,Practitioner,PractitionerRole,RelatedPerson)
 addresses * Reference(Condition,Observation,MedicationStatement,NutritionOrder,ServiceRequest,RiskAssessment)
 note * Annotation
 outcomeCode * CodeableConcept
 outcomeReference * Reference(Observation)
Goal.target BackboneElement
 measure ? CodeableConcept
 detail[x] ? Quantity|Range|CodeableConcept|string|boolean|integer|Ratio
 due[x] ? date|Duration
GraphDefinition DomainResource
 url ? uri
 version ? string
 name 1 string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 start 1 code #resource-types
 profile ? canonical
 link * GraphDefinition.link
GraphDefinition.link BackboneElement
 path ? string
 sliceName ? string
 min ? integer
 max ? string
 description ? string
 target * GraphDefinition.link.target
GraphDefinition.link.target BackboneElement
 type 1 code #resource-types
 params ? string
 profile ? canonical
 compartment * GraphDefinition.link.target.compartment
 link * GraphDefinition.link
GraphDefinition.link.target.compartment BackboneElement
 use 1 code #graph-compartment-use
 code 1 code #compartment-type
 rule 1 code #graph-compartment-rule
 expression ? string
 description ? string
Group DomainResource
 identifier * Identifier
 active ? boolean
 type 1 code #group-type
 actual 1 boolean
 code ? CodeableConcept
 name ? string
 quantity ? unsignedInt
 managingEntity ? Reference(Organization,RelatedPerson,Practitioner,PractitionerRole)
 characteristic * Group.characteristic
 member * Group.member
Group.characteristic BackboneElement
 code 1 CodeableConcept
 value[x] 1 CodeableConcept|boolean|Quantity|Range|Reference
 exclude 1 boolean
 period ? Period
Group.member BackboneElement
 entity 1 Reference(Patient,Practitioner,PractitionerRole,Device,Medication,Substance,Group)
 period ? Period
 inactive ? boolean
GuidanceResponse DomainResource
 requestIdentifier ? Identifier
 identifier * Identifier
 module[x] 1 uri|canonical|CodeableConcept
 status 1 code #guidance-response-status
 subject ? Reference(Patient,Group)
 encounter ? Reference(Encounter)
 occurrenceDateTime ? dateTime
 performer ? Reference(Device)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 note * Annotation
 evaluationMessage * Reference(OperationOutcome)
 outputParameters ? Reference(Parameters)
 result ? Reference(CarePlan,RequestGroup)
 dataRequirement * DataRequirement
HealthcareService DomainResource
 identifier * Identifier
 active ? boolean
 providedBy ? Reference(Organization)
 category * CodeableConcept
 type * CodeableConcept
 specialty * CodeableConcept
 location * Reference(Location)
 name ? string
 comment ? string
 extraDetails ? markdown
 photo ? Attachment
 telecom * ContactPoint
 coverageArea * Reference(Location)
 serviceProvisionCode * CodeableConcept
 eligibility * HealthcareService.eligibility
 program * CodeableConcept
 characteristic * CodeableConcept
 communication * CodeableConcept
 referralMethod * CodeableConcept
 appointmentRequired ? boolean
 availableTime * HealthcareService.availableTime
 notAvailable * HealthcareService.notAvailable
 availabilityExceptions ? string
 endpoint * Reference(Endpoint)
HealthcareService.eligibility BackboneElement
 code ? CodeableConcept
 comment ? markdown
HealthcareService.availableTime BackboneElement
 daysOfWeek * code #days-of-week
 allDay ? boolean
 availableStartTime ? time
 availableEndTime ? time
HealthcareService.notAvailable BackboneElement
 description 1 string
 during ? Period
HumanName Element
 use ? code #name-use
 text ? string
 family ? string
 given * string
 prefix * string
 suffix * string
 period ? Period
Identifier Element
 use ? code #identifier-use
 type ? CodeableConcept
 system ? uri
 value ? string
 period ? Period
 assigner ? Reference(Organization)
ImagingStudy DomainResource
 identifier * Identifier
 status 1 code #imagingstudy-status
 modality * Coding
 subject 1 Reference(Patient,Device,Group)
 encounter ? Reference(Encounter)
 started ? dateTime
 basedOn * Reference(CarePlan,ServiceRequest,Appointment,AppointmentResponse,Task)
 referrer ? Reference(Practitioner,PractitionerRole)
 interpreter * Reference(Practitioner,PractitionerRole)
 endpoint * Reference(Endpoint)
 numberOfSeries ? unsignedInt
 numberOfInstances ? unsignedInt
 procedureReference ? Reference(Procedure)
 procedureCode * CodeableConcept
 location ? Reference(Location)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,Media,DiagnosticReport,DocumentReference)
 note * Annotation
 description ? string
 series * ImagingStudy.series
ImagingStudy.series BackboneElement
 uid 1 id
 number ? unsignedInt
 modality 1 Coding
 description ? string
 numberOfInstances ? unsignedInt
 endpoint * Reference(Endpoint)
 bodySite ? Coding
 laterality ? Coding
 specimen * Reference(Specimen)
 started ? dateTime
 performer * ImagingStudy.series.performer
 instance * ImagingStudy.series.instance
ImagingStudy.series.performer BackboneElement
 function ? CodeableConcept
 actor 1 Reference(Practitioner,PractitionerRole,Organization,CareTeam,Patient,Device,RelatedPerson)
ImagingStudy.series.instance BackboneElement
 uid 1 id
 sopClass 1 Coding
 number ? unsignedInt
 title ? string
Immunization DomainResource
 identifier * Identifier
 status 1 code #immunization-status
 statusReason ? CodeableConcept
 vaccineCode 1 CodeableConcept
 patient 1 Reference(Patient)
 encounter ? Reference(Encounter)
 occurrence[x] 1 dateTime|string
 recorded ? dateTime
 primarySource ? boolean
 reportOrigin ? CodeableConcept
 location ? Reference(Location)
 manufacturer ? Reference(Organization)
 lotNumber ? string
 expirationDate ? date
 site ? CodeableConcept
 route ? CodeableConcept
 doseQuantity ? SimpleQuantity
 performer * Immunization.performer
 note * Annotation
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport)
 isSubpotent ? boolean
 subpotentReason * CodeableConcept
 education * Immunization.education
 programEligibility * CodeableConcept
 fundingSource ? CodeableConcept
 reaction * Immunization.reaction
 protocolApplied * Immunization.protocolApplied
Immunization.performer BackboneElement
 function ? CodeableConcept
 actor 1 Reference(Practitioner,PractitionerRole,Organization)
Immunization.education BackboneElement
 documentType ? string
 reference ? uri
 publicationDate ? dateTime
 presentationDate ? dateTime
Immunization.reaction BackboneElement
 date ? dateTime
 detail ? Reference(Observation)
 reported ? boolean
Immunization.protocolApplied BackboneElement
 series ? string
 authority ? Reference(Organization)
 targetDisease * CodeableConcept
 doseNumber[x] 1 positiveInt|string
 seriesDoses[x] ? positiveInt|string
ImmunizationEvaluation DomainResource
 identifier * Identifier
 status 1 code #immunization-evaluation-status
 patient 1 Reference(Patient)
 date ? dateTime
 authority ? Reference(Organization)
 targetDisease 1 CodeableConcept
 immunizationEvent 1 Reference(Immunization)
 doseStatus 1 CodeableConcept
 doseStatusReason * CodeableConcept
 description ? string
 series ? string
 doseNumber[x] ? positiveInt|string
 seriesDoses[x] ? positiveInt|string
ImmunizationRecommendation DomainResource
 identifier * Identifier
 patient 1 Reference(Patient)
 date 1 dateTime
 authority ? Reference(Organization)
 recommendation + ImmunizationRecommendation.recommendation
ImmunizationRecommendation.recommendation BackboneElement
 vaccineCode * CodeableConcept
 targetDisease ? CodeableConcept
 contraindicatedVaccineCode * CodeableConcept
 forecastStatus 1 CodeableConcept
 forecastReason * CodeableConcept
 dateCriterion * ImmunizationRecommendation.recommendation.dateCriterion
 description ? string
 series ? string
 doseNumber[x] ? positiveInt|string
 seriesDoses[x] ? positiveInt|string
 supportingImmunization * Reference(Immunization,ImmunizationEvaluation)
 supportingPatientInformation * Reference
ImmunizationRecommendation.recommendation.dateCriterion BackboneElement
 code 1 CodeableConcept
 value 1 dateTime
ImplementationGuide DomainResource
 url 1 uri
 version ? string
 name 1 string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 copyright ? markdown
 packageId 1 id
 license ? code #spdx-license
 fhirVersion + code #FHIR-version
 dependsOn * ImplementationGuide.dependsOn
 global * ImplementationGuide.global
 definition ? ImplementationGuide.definition
 manifest ? ImplementationGuide.manifest
ImplementationGuide.dependsOn BackboneElement
 uri 1 canonical
 packageId ? id
 version ? string
ImplementationGuide.global BackboneElement
 type 1 code #resource-types
 profile 1 canonical
ImplementationGuide.definition BackboneElement
 grouping * ImplementationGuide.definition.grouping
 resource + ImplementationGuide.definition.resource
 page ? ImplementationGuide.definition.page
 parameter * ImplementationGuide.definition.parameter
 template * ImplementationGuide.definition.template
ImplementationGuide.definition.grouping BackboneElement
 name 1 string
 description ? string
ImplementationGuide.definition.resource BackboneElement
 reference 1 Reference
 fhirVersion * code #FHIR-version
 name ? string
 description ? string
 example[x] ? boolean|canonical
 groupingId ? id
ImplementationGuide.definition.page BackboneElement
 name[x] 1 url|Reference(Binary)
 title 1 string
 generation 1 code #guide-page-generation
 page * ImplementationGuide.definition.page
ImplementationGuide.definition.parameter BackboneElement
 code 1 code #guide-parameter-code
 value 1 string
ImplementationGuide.definition.template BackboneElement
 code 1 code
 source 1 string
 scope ? string
ImplementationGuide.manifest BackboneElement
 rendering ? url
 resource + ImplementationGuide.manifest.resource
 page * ImplementationGuide.manifest.page
 image * string
 other * string
ImplementationGuide.manifest.resource BackboneElement
 reference 1 Reference
 example[x] ? boolean|canonical
 relativePath ? url
ImplementationGuide.manifest.page BackboneElement
 name 1 string
 title ? string
 anchor * string
InsurancePlan DomainResource
 identifier * Identifier
 status ? code #publication-status
 type * CodeableConcept
 name ? string
 alias * string
 period ? Period
 ownedBy ? Reference(Organization)
 administeredBy ? Reference(Organization)
 coverageArea * Reference(Location)
 contact * InsurancePlan.contact
 endpoint * Reference(Endpoint)
 network * Reference(Organization)
 coverage * InsurancePlan.coverage
 plan * InsurancePlan.plan
InsurancePlan.contact BackboneElement
 purpose ? CodeableConcept
 name ? HumanName
 telecom * ContactPoint
 address ? Address
InsurancePlan.coverage BackboneElement
 type 1 CodeableConcept
 network * Reference(Organization)
 benefit + InsurancePlan.coverage.benefit
InsurancePlan.coverage.benefit BackboneElement
 type 1 CodeableConcept
 requirement ? string
 limit * InsurancePlan.coverage.benefit.limit
InsurancePlan.coverage.benefit.limit BackboneElement
 value ? Quantity
 code ? CodeableConcept
InsurancePlan.plan BackboneElement
 identifier * Identifier
 type ? CodeableConcept
 coverageArea * Reference(Location)
 network * Reference(Organization)
 generalCost * InsurancePlan.plan.generalCost
 specificCost * InsurancePlan.plan.specificCost
InsurancePlan.plan.generalCost BackboneElement
 type ? CodeableConcept
 groupSize ? positiveInt
 cost ? Money
 comment ? string
InsurancePlan.plan.specificCost BackboneElement
 category 1 CodeableConcept
 benefit * InsurancePlan.plan.specificCost.benefit
InsurancePlan.plan.specificCost.benefit BackboneElement
 type 1 CodeableConcept
 cost * InsurancePlan.plan.specificCost.benefit.cost
InsurancePlan.plan.specificCost.benefit.cost BackboneElement
 type 1 CodeableConcept
 applicability ? CodeableConcept #insuranceplan-applicability
 qualifiers * CodeableConcept
 value ? Quantity
Invoice DomainResource
 identifier * Identifier
 status 1 code #invoice-status
 cancelledReason ? string
 type ? CodeableConcept
 subject ? Reference(Patient,Group)
 recipient ? Reference(Organization,Patient,RelatedPerson)
 date ? dateTime
 participant * Invoice.participant
 issuer ? Reference(Organization)
 account ? Reference(Account)
 lineItem * Invoice.lineItem
 totalPriceComponent * Invoice.lineItem.priceComponent
 totalNet ? Money
 totalGross ? Money
 paymentTerms ? markdown
 note * Annotation
Invoice.participant BackboneElement
 role ? CodeableConcept
 actor 1 Reference(Practitioner,Organization,Patient,PractitionerRole,Device,RelatedPerson)
Invoice.lineItem BackboneElement
 sequence ? positiveInt
 chargeItem[x] 1 Reference(ChargeItem)|CodeableConcept
 priceComponent * Invoice.lineItem.priceComponent
Invoice.lineItem.priceComponent BackboneElement
 type 1 code #invoice-priceComponentType
 code ? CodeableConcept
 factor ? decimal
 amount ? Money
Library DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 subtitle ? string
 status 1 code #publication-status
 experimental ? boolean
 type 1 CodeableConcept
 subject[x] ? CodeableConcept|Reference(Group)
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 usage ? string
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 parameter * ParameterDefinition
 dataRequirement * DataRequirement
 content * Attachment
Linkage DomainResource
 active ? boolean
 author ? Reference(Practitioner,PractitionerRole,Organization)
 item + Linkage.item
Linkage.item BackboneElement
 type 1 code #linkage-type
 resource 1 Reference
List DomainResource
 identifier * Identifier
 status 1 code #list-status
 mode 1 code #list-mode
 title ? string
 code ? CodeableConcept
 subject ? Reference(Patient,Group,Device,Location)
 encounter ? Reference(Encounter)
 date ? dateTime
 source ? Reference(Practitioner,PractitionerRole,Patient,Device)
 orderedBy ? CodeableConcept
 note * Annotation
 entry * List.entry
 emptyReason ? CodeableConcept
List.entry BackboneElement
 flag ? CodeableConcept
 deleted ? boolean
 date ? dateTime
 item 1 Reference
Location DomainResource
 identifier * Identifier
 status ? code #location-status
 operationalStatus ? Coding
 name ? string
 alias * string
 description ? string
 mode ? code #location-mode
 type * CodeableConcept
 telecom * ContactPoint
 address ? Address
 physicalType ? CodeableConcept
 position ? Location.position
 managingOrganization ? Reference(Organization)
 partOf ? Reference(Location)
 hoursOfOperation * Location.hoursOfOperation
 availabilityExceptions ? string
 endpoint * Reference(Endpoint)
Location.position BackboneElement
 longitude 1 decimal
 latitude 1 decimal
 altitude ? decimal
Location.hoursOfOperation BackboneElement
 daysOfWeek * code #days-of-week
 allDay ? boolean
 openingTime ? time
 closingTime ? time
MarketingStatus BackboneElement
 country 1 CodeableConcept
 jurisdiction ? CodeableConcept
 status 1 CodeableConcept
 dateRange 1 Period
 restoreDate ? dateTime
Measure DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 subtitle ? string
 status 1 code #publication-status
 experimental ? boolean
 subject[x] ? CodeableConcept|Reference(Group)
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 usage ? string
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 library * canonical
 disclaimer ? markdown
 scoring ? CodeableConcept
 compositeScoring ? CodeableConcept
 type * CodeableConcept
 riskAdjustment ? string
 rateAggregation ? string
 rationale ? markdown
 clinicalRecommendationStatement ? markdown
 improvementNotation ? CodeableConcept #measure-improvement-notation
 definition * markdown
 guidance ? markdown
 group * Measure.group
 supplementalData * Measure.supplementalData
Measure.group BackboneElement
 code ? CodeableConcept
 description ? string
 population * Measure.group.population
 stratifier * Measure.group.stratifier
Measure.group.population BackboneElement
 code ? CodeableConcept
 description ? string
 criteria 1 Expression
Measure.group.stratifier BackboneElement
 code ? CodeableConcept
 description ? string
 criteria ? Expression
 component * Measure.group.stratifier.component
Measure.group.stratifier.component BackboneElement
 code ? CodeableConcept
 description ? string
 criteria 1 Expression
Measure.supplementalData BackboneElement
 code ? CodeableConcept
 usage * CodeableConcept
 description ? string
 criteria 1 Expression
MeasureReport DomainResource
 identifier * Identifier
 status 1 code #measure-report-status
 type 1 code #measure-report-type
 measure 1 canonical
 subject ? Reference(Patient,Practitioner,PractitionerRole,Location,Device,RelatedPerson,Group)
 date ? dateTime
 reporter ? Reference(Practitioner,PractitionerRole,Location,Organization)
 period 1 Period
 improvementNotation ? CodeableConcept #measure-improvement-notation
 group * MeasureReport.group
 evaluatedResource * Reference
MeasureReport.group BackboneElement
 code ? CodeableConcept
 population * MeasureReport.group.population
 measureScore ? Quantity
 stratifier * MeasureReport.group.stratifier
MeasureReport.group.population BackboneElement
 code ? CodeableConcept
 count ? integer
 subjectResults ? Reference(List)
MeasureReport.group.stratifier BackboneElement
 code * CodeableConcept
 stratum * MeasureReport.group.stratifier.stratum
MeasureReport.group.stratifier.stratum BackboneElement
 value ? CodeableConcept
 component * MeasureReport.group.stratifier.stratum.component
 population * MeasureReport.group.stratifier.stratum.population
 measureScore ? Quantity
MeasureReport.group.stratifier.stratum.component BackboneElement
 code 1 CodeableConcept
 value 1 CodeableConcept
MeasureReport.group.stratifier.stratum.population BackboneElement
 code ? CodeableConcept
 count ? integer
 subjectResults ? Reference(List)
Media DomainResource
 identifier * Identifier
 basedOn * Reference(ServiceRequest,CarePlan)
 partOf * Reference
 status 1 code #event-status
 type ? CodeableConcept
 modality ? CodeableConcept
 view ? CodeableConcept
 subject ? Reference(Patient,Practitioner,PractitionerRole,Group,Device,Specimen,Location)
 encounter ? Reference(Encounter)
 created[x] ? dateTime|Period
 issued ? instant
 operator ? Reference(Practitioner,PractitionerRole,Organization,CareTeam,Patient,Device,RelatedPerson)
 reasonCode * CodeableConcept
 bodySite ? CodeableConcept
 deviceName ? string
 device ? Reference(Device,DeviceMetric,Device)
 height ? positiveInt
 width ? positiveInt
 frames ? positiveInt
 duration ? decimal
 content 1 Attachment
 note * Annotation
Medication DomainResource
 identifier * Identifier
 code ? CodeableConcept
 status ? code #medication-status
 manufacturer ? Reference(Organization)
 form ? CodeableConcept
 amount ? Ratio
 ingredient * Medication.ingredient
 batch ? Medication.batch
Medication.ingredient BackboneElement
 item[x] 1 CodeableConcept|Reference(Substance,Medication)
 isActive ? boolean
 strength ? Ratio
Medication.batch BackboneElement
 lotNumber ? string
 expirationDate ? dateTime
MedicationAdministration DomainResource
 identifier * Identifier
 instantiates * uri
 partOf * Reference(MedicationAdministration,Procedure)
 status 1 code #medication-admin-status
 statusReason * CodeableConcept
 category ? CodeableConcept
 medication[x] 1 CodeableConcept|Reference(Medication)
 subject 1 Reference(Patient,Group)
 context ? Reference(Encounter,EpisodeOfCare)
 supportingInformation * Reference
 effective[x] 1 dateTime|Period
 performer * MedicationAdministration.performer
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport)
 request ? Reference(MedicationRequest)
 device * Reference(Device)
 note * Annotation
 dosage ? MedicationAdministration.dosage
 eventHistory * Reference(Provenance)
MedicationAdministration.performer BackboneElement
 function ? CodeableConcept
 actor 1 Reference(Practitioner,PractitionerRole,Patient,RelatedPerson,Device)
MedicationAdministration.dosage BackboneElement
 text ? string
 site ? CodeableConcept
 route ? CodeableConcept
 method ? CodeableConcept
 dose ? SimpleQuantity
 rate[x] ? Ratio|SimpleQuantity
MedicationDispense DomainResource
 identifier * Identifier
 partOf * Reference(Procedure)
 status 1 code #medicationdispense-status
 statusReason[x] ? CodeableConcept|Reference(DetectedIssue)
 category ? CodeableConcept
 medication[x] 1 CodeableConcept|Reference(Medication)
 subject ? Reference(Patient,Group)
 context ? Reference(Encounter,EpisodeOfCare)
 supportingInformation * Reference
 performer * MedicationDispense.performer
 location ? Reference(Location)
 authorizingPrescription * Reference(MedicationRequest)
 type ? CodeableConcept
 quantity ? SimpleQuantity
 daysSupply ? SimpleQuantity
 whenPrepared ? dateTime
 whenHandedOver ? dateTime
 destination ? Reference(Location)
 receiver * Reference(Patient,Practitioner)
 note * Annotation
 dosageInstruction * Dosage
 substitution ? MedicationDispense.substitution
 detectedIssue * Reference(DetectedIssue)
 eventHistory * Reference(Provenance)
MedicationDispense.performer BackboneElement
 function ? CodeableConcept
 actor 1 Reference(Practitioner,PractitionerRole,Organization,Patient,Device,RelatedPerson)
MedicationDispense.substitution BackboneElement
 wasSubstituted 1 boolean
 type ? CodeableConcept
 reason * CodeableConcept
 responsibleParty * Reference(Practitioner,PractitionerRole)
MedicationKnowledge DomainResource
 code ? CodeableConcept
 status ? code #medicationknowledge-status
 manufacturer ? Reference(Organization)
 doseForm ? CodeableConcept
 amount ? SimpleQuantity
 synonym * string
 relatedMedicationKnowledge * MedicationKnowledge.relatedMedicationKnowledge
 associatedMedication * Reference(Medication)
 productType * CodeableConcept
 monograph * MedicationKnowledge.monograph
 ingredient * MedicationKnowledge.ingredient
 preparationInstruction ? markdown
 intendedRoute * CodeableConcept
 cost * MedicationKnowledge.cost
 monitoringProgram * MedicationKnowledge.monitoringProgram
 administrationGuidelines * MedicationKnowledge.administrationGuidelines
 medicineClassification * MedicationKnowledge.medicineClassification
 packaging ? MedicationKnowledge.packaging
 drugCharacteristic * MedicationKnowledge.drugCharacteristic
 contraindication * Reference(DetectedIssue)
 regulatory * MedicationKnowledge.regulatory
 kinetics * MedicationKnowledge.kinetics
MedicationKnowledge.relatedMedicationKnowledge BackboneElement
 type 1 CodeableConcept
 reference + Reference(MedicationKnowledge)
MedicationKnowledge.monograph BackboneElement
 type ? CodeableConcept
 source ? Reference(DocumentReference,Media)
MedicationKnowledge.ingredient BackboneElement
 item[x] 1 CodeableConcept|Reference(Substance)
 isActive ? boolean
 strength ? Ratio
MedicationKnowledge.cost BackboneElement
 type 1 CodeableConcept
 source ? string
 cost 1 Money
MedicationKnowledge.monitoringProgram BackboneElement
 type ? CodeableConcept
 name ? string
MedicationKnowledge.administrationGuidelines BackboneElement
 dosage * MedicationKnowledge.administrationGuidelines.dosage
 indication[x] ? CodeableConcept|Reference(ObservationDefinition)
 patientCharacteristics * MedicationKnowledge.administrationGuidelines.patientCharacteristics
MedicationKnowledge.administrationGuidelines.dosage BackboneElement
 type 1 CodeableConcept
 dosage + Dosage
MedicationKnowledge.administrationGuidelines.patientCharacteristics BackboneElement
 characteristic[x] 1 CodeableConcept|SimpleQuantity
 value * string
MedicationKnowledge.medicineClassification BackboneElement
 type 1 CodeableConcept
 classification * CodeableConcept
MedicationKnowledge.packaging BackboneElement
 type ? CodeableConcept
 quantity ? SimpleQuantity
MedicationKnowledge.drugCharacteristic BackboneElement
 type ? CodeableConcept
 value[x] ? CodeableConcept|string|SimpleQuantity|base64Binary
MedicationKnowledge.regulatory BackboneElement
 regulatoryAuthority 1 Reference(Organization)
 substitution * MedicationKnowledge.regulatory.substitution
 schedule * MedicationKnowledge.regulatory.schedule
 maxDispense ? MedicationKnowledge.regulatory.maxDispense
MedicationKnowledge.regulatory.substitution BackboneElement
 type 1 CodeableConcept
 allowed 1 boolean
MedicationKnowledge.regulatory.schedule BackboneElement
 schedule 1 CodeableConcept
MedicationKnowledge.regulatory.maxDispense BackboneElement
 quantity 1 SimpleQuantity
 period ? Duration
MedicationKnowledge.kinetics BackboneElement
 areaUnderCurve * SimpleQuantity
 lethalDose50 * SimpleQuantity
 halfLifePeriod ? Duration
MedicationRequest DomainResource
 identifier * Identifier
 status 1 code #medicationrequest-status
 statusReason ? CodeableConcept
 intent 1 code #medicationrequest-intent
 category * CodeableConcept
 priority ? code #request-priority
 doNotPerform ? boolean
 reported[x] ? boolean|Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Organization)
 medication[x] 1 CodeableConcept|Reference(Medication)
 subject 1 Reference(Patient,Group)
 encounter ? Reference(Encounter)
 supportingInformation * Reference
 authoredOn ? dateTime
 requester ? Reference(Practitioner,PractitionerRole,Organization,Patient,RelatedPerson,Device)
 performer ? Reference(Practitioner,PractitionerRole,Organization,Patient,Device,RelatedPerson,CareTeam)
 performerType ? CodeableConcept
 recorder ? Reference(Practitioner,PractitionerRole)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation)
 instantiatesCanonical * canonical
 instantiatesUri * uri
 basedOn * Reference(CarePlan,MedicationRequest,ServiceRequest,ImmunizationRecommendation)
 groupIdentifier ? Identifier
 courseOfTherapyType ? CodeableConcept
 insurance * Reference(Coverage,ClaimResponse)
 note * Annotation
 dosageInstruction * Dosage
 dispenseRequest ? MedicationRequest.dispenseRequest
 substitution ? MedicationRequest.substitution
 priorPrescription ? Reference(MedicationRequest)
 detectedIssue * Reference(DetectedIssue)
 eventHistory * Reference(Provenance)
MedicationRequest.dispenseRequest BackboneElement
 initialFill ? MedicationRequest.dispenseRequest.initialFill
 dispenseInterval ? Duration
 validityPeriod ? Period
 numberOfRepeatsAllowed ? unsignedInt
 quantity ? SimpleQuantity
 expectedSupplyDuration ? Duration
 performer ? Reference(Organization)
MedicationRequest.dispenseRequest.initialFill BackboneElement
 quantity ? SimpleQuantity
 duration ? Duration
MedicationRequest.substitution BackboneElement
 allowed[x] 1 boolean|CodeableConcept
 reason ? CodeableConcept
MedicationStatement DomainResource
 identifier * Identifier
 basedOn * Reference(MedicationRequest,CarePlan,ServiceRequest)
 partOf * Reference(MedicationAdministration,MedicationDispense,MedicationStatement,Procedure,Observation)
 status 1 code #medication-statement-status
 statusReason * CodeableConcept
 category ? CodeableConcept
 medication[x] 1 CodeableConcept|Reference(Medication)
 subject 1 Reference(Patient,Group)
 context ? Reference(Encounter,EpisodeOfCare)
 effective[x] ? dateTime|Period
 dateAsserted ? dateTime
 informationSource ? Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Organization)
 derivedFrom * Reference
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport)
 note * Annotation
 dosage * Dosage
MedicinalProduct DomainResource
 identifier * Identifier
 type ? CodeableConcept
 domain ? Coding
 combinedPharmaceuticalDoseForm ? CodeableConcept
 legalStatusOfSupply ? CodeableConcept
 additionalMonitoringIndicator ? CodeableConcept
 specialMeasures * string
 paediatricUseIndicator ? CodeableConcept
 productClassification * CodeableConcept
 marketingStatus * MarketingStatus
 pharmaceuticalProduct * Reference(MedicinalProductPharmaceutical)
 packagedMedicinalProduct * Reference(MedicinalProductPackaged)
 attachedDocument * Reference(DocumentReference)
 masterFile * Reference(DocumentReference)
 contact * Reference(Organization,PractitionerRole)
 clinicalTrial * Reference(ResearchStudy)
 name + MedicinalProduct.name
 crossReference * Identifier
 manufacturingBusinessOperation * MedicinalProduct.manufacturingBusinessOperation
 specialDesignation * MedicinalProduct.specialDesignation
MedicinalProduct.name BackboneElement
 productName 1 string
 namePart * MedicinalProduct.name.namePart
 countryLanguage * MedicinalProduct.name.countryLanguage
MedicinalProduct.name.namePart BackboneElement
 part 1 string
 type 1 Coding
MedicinalProduct.name.countryLanguage BackboneElement
 country 1 CodeableConcept
 jurisdiction ? CodeableConcept
 language 1 CodeableConcept
MedicinalProduct.manufacturingBusinessOperation BackboneElement
 operationType ? CodeableConcept
 authorisationReferenceNumber ? Identifier
 effectiveDate ? dateTime
 confidentialityIndicator ? CodeableConcept
 manufacturer * Reference(Organization)
 regulator ? Reference(Organization)
MedicinalProduct.specialDesignation BackboneElement
 identifier * Identifier
 type ? CodeableConcept
 intendedUse ? CodeableConcept
 indication[x] ? CodeableConcept|Reference(MedicinalProductIndication)
 status ? CodeableConcept
 date ? dateTime
 species ? CodeableConcept
MedicinalProductAuthorization DomainResource
 identifier * Identifier
 subject ? Reference(MedicinalProduct,MedicinalProductPackaged)
 country * CodeableConcept
 jurisdiction * CodeableConcept
 status ? CodeableConcept
 statusDate ? dateTime
 restoreDate ? dateTime
 validityPeriod ? Period
 dataExclusivityPeriod ? Period
 dateOfFirstAuthorization ? dateTime
 internationalBirthDate ? dateTime
 legalBasis ? CodeableConcept
 jurisdictionalAuthorization * MedicinalProductAuthorization.jurisdictionalAuthorization
 holder ? Reference(Organization)
 regulator ? Reference(Organization)
 procedure ? MedicinalProductAuthorization.procedure
MedicinalProductAuthorization.jurisdictionalAuthorization BackboneElement
 identifier * Identifier
 country ? CodeableConcept
 jurisdiction * CodeableConcept
 legalStatusOfSupply ? CodeableConcept
 validityPeriod ? Period
MedicinalProductAuthorization.procedure BackboneElement
 identifier ? Identifier
 type 1 CodeableConcept
 date[x] ? Period|dateTime
 application * MedicinalProductAuthorization.procedure
MedicinalProductContraindication DomainResource
 subject * Reference(MedicinalProduct,Medication)
 disease ? CodeableConcept
 diseaseStatus ? CodeableConcept
 comorbidity * CodeableConcept
 therapeuticIndication * Reference(MedicinalProductIndication)
 otherTherapy * MedicinalProductContraindication.otherTherapy
 population * Population
MedicinalProductContraindication.otherTherapy BackboneElement
 therapyRelationshipType 1 CodeableConcept
 medication[x] 1 CodeableConcept|Reference(MedicinalProduct,Medication,Substance,SubstanceSpecification)
MedicinalProductIndication DomainResource
 subject * Reference(MedicinalProduct,Medication)
 diseaseSymptomProcedure ? CodeableConcept
 diseaseStatus ? CodeableConcept
 comorbidity * CodeableConcept
 intendedEffect ? CodeableConcept
 duration ? Quantity
 otherTherapy * MedicinalProductIndication.otherTherapy
 undesirableEffect * Reference(MedicinalProductUndesirableEffect)
 population * Population
MedicinalProductIndication.otherTherapy BackboneElement
 therapyRelationshipType 1 CodeableConcept
 medication[x] 1 CodeableConcept|Reference(MedicinalProduct,Medication,Substance,SubstanceSpecification)
MedicinalProductIngredient DomainResource
 identifier ? Identifier
 role 1 CodeableConcept
 allergenicIndicator ? boolean
 manufacturer * Reference(Organization)
 specifiedSubstance * MedicinalProductIngredient.specifiedSubstance
 substance ? MedicinalProductIngredient.substance
MedicinalProductIngredient.specifiedSubstance BackboneElement
 code 1 CodeableConcept
 group 1 CodeableConcept
 confidentiality ? CodeableConcept
 strength * MedicinalProductIngredient.specifiedSubstance.strength
MedicinalProductIngredient.specifiedSubstance.strength BackboneElement
 presentation 1 Ratio
 presentationLowLimit ? Ratio
 concentration ? Ratio
 concentrationLowLimit ? Ratio
 measurementPoint ? string
 country * CodeableConcept
 referenceStrength * MedicinalProductIngredient.specifiedSubstance.strength.referenceStrength
MedicinalProductIngredient.specifiedSubstance.strength.referenceStrength BackboneElement
 substance ? CodeableConcept
 strength 1 Ratio
 strengthLowLimit ? Ratio
 measurementPoint ? string
 country * CodeableConcept
MedicinalProductIngredient.substance BackboneElement
 code 1 CodeableConcept
 strength * MedicinalProductIngredient.specifiedSubstance.strength
MedicinalProductInteraction DomainResource
 subject * Reference(MedicinalProduct,Medication,Substance)
 description ? string
 interactant * MedicinalProductInteraction.interactant
 type ? CodeableConcept
 effect ? CodeableConcept
 incidence ? CodeableConcept
 management ? CodeableConcept
MedicinalProductInteraction.interactant BackboneElement
 item[x] 1 Reference(MedicinalProduct,Medication,Substance,ObservationDefinition)|CodeableConcept
MedicinalProductManufactured DomainResource
 manufacturedDoseForm 1 CodeableConcept
 unitOfPresentation ? CodeableConcept
 quantity 1 Quantity
 manufacturer * Reference(Organization)
 ingredient * Reference(MedicinalProductIngredient)
 physicalCharacteristics ? ProdCharacteristic
 otherCharacteristics * CodeableConcept
MedicinalProductPackaged DomainResource
 identifier * Identifier
 subject * Reference(MedicinalProduct)
 description ? string
 legalStatusOfSupply ? CodeableConcept
 marketingStatus * MarketingStatus
 marketingAuthorization ? Reference(MedicinalProductAuthorization)
 manufacturer * Reference(Organization)
 batchIdentifier * MedicinalProductPackaged.batchIdentifier
 packageItem + MedicinalProductPackaged.packageItem
MedicinalProductPackaged.batchIdentifier BackboneElement
 outerPackaging 1 Identifier
 immediatePackaging ? Identifier
MedicinalProductPackaged.packageItem BackboneElement
 identifier * Identifier
 type 1 CodeableConcept
 quantity 1 Quantity
 material * CodeableConcept
 alternateMaterial * CodeableConcept
 device * Reference(DeviceDefinition)
 manufacturedItem * Reference(MedicinalProductManufactured)
 packageItem * MedicinalProductPackaged.packageItem
 physicalCharacteristics ? ProdCharacteristic
 otherCharacteristics * CodeableConcept
 shelfLifeStorage * ProductShelfLife
 manufacturer * Reference(Organization)
MedicinalProductPharmaceutical DomainResource
 identifier * Identifier
 administrableDoseForm 1 CodeableConcept
 unitOfPresentation ? CodeableConcept
 ingredient * Reference(MedicinalProductIngredient)
 device * Reference(DeviceDefinition)
 characteristics * MedicinalProductPharmaceutical.characteristics
 routeOfAdministration + MedicinalProductPharmaceutical.routeOfAdministration
MedicinalProductPharmaceutical.characteristics BackboneElement
 code 1 CodeableConcept
 status ? CodeableConcept
MedicinalProductPharmaceutical.routeOfAdministration BackboneElement
 code 1 CodeableConcept
 firstDose ? Quantity
 maxSingleDose ? Quantity
 maxDosePerDay ? Quantity
 maxDosePerTreatmentPeriod ? Ratio
 maxTreatmentPeriod ? Duration
 targetSpecies * MedicinalProductPharmaceutical.routeOfAdministration.targetSpecies
MedicinalProductPharmaceutical.routeOfAdministration.targetSpecies BackboneElement
 code 1 CodeableConcept
 withdrawalPeriod * MedicinalProductPharmaceutical.routeOfAdministration.targetSpecies.withdrawalPeriod
MedicinalProductPharmaceutical.routeOfAdministration.targetSpecies.withdrawalPeriod BackboneElement
 tissue 1 CodeableConcept
 value 1 Quantity
 supportingInformation ? string
MedicinalProductUndesirableEffect DomainResource
 subject * Reference(MedicinalProduct,Medication)
 symptomConditionEffect ? CodeableConcept
 classification ? CodeableConcept
 frequencyOfOccurrence ? CodeableConcept
 population * Population
MessageDefinition DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 replaces * canonical
 status 1 code #publication-status
 experimental ? boolean
 date 1 dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 base ? canonical
 parent * canonical
 event[x] 1 Coding|uri
 category ? code #message-significance-category
 focus * MessageDefinition.focus
 responseRequired ? code #messageheader-response-request
 allowedResponse * MessageDefinition.allowedResponse
 graph * canonical
MessageDefinition.focus BackboneElement
 code 1 code #resource-types
 profile ? canonical
 min 1 unsignedInt
 max ? string
MessageDefinition.allowedResponse BackboneElement
 message 1 canonical
 situation ? markdown
MessageHeader DomainResource
 event[x] 1 Coding|uri
 destination * MessageHeader.destination
 sender ? Reference(Practitioner,PractitionerRole,Organization)
 enterer ? Reference(Practitioner,PractitionerRole)
 author ? Reference(Practitioner,PractitionerRole)
 source 1 MessageHeader.source
 responsible ? Reference(Practitioner,PractitionerRole,Organization)
 reason ? CodeableConcept
 response ? MessageHeader.response
 focus * Reference
 definition ? canonical
MessageHeader.destination BackboneElement
 name ? string
 target ? Reference(Device)
 endpoint 1 url
 receiver ? Reference(Practitioner,PractitionerRole,Organization)
MessageHeader.source BackboneElement
 name ? string
 software ? string
 version ? string
 contact ? ContactPoint
 endpoint 1 url
MessageHeader.response BackboneElement
 identifier 1 id
 code 1 code #response-code
 details ? Reference(OperationOutcome)
Meta Element
 versionId ? id
 lastUpdated ? instant
 source ? uri
 profile * canonical
 security * Coding
 tag * Coding
MolecularSequence DomainResource
 identifier * Identifier
 type ? code #sequence-type
 coordinateSystem 1 integer
 patient ? Reference(Patient)
 specimen ? Reference(Specimen)
 device ? Reference(Device)
 performer ? Reference(Organization)
 quantity ? Quantity
 referenceSeq ? MolecularSequence.referenceSeq
 variant * MolecularSequence.variant
 observedSeq ? string
 quality * MolecularSequence.quality
 readCoverage ? integer
 repository * MolecularSequence.repository
 pointer * Reference(MolecularSequence)
 structureVariant * MolecularSequence.structureVariant
MolecularSequence.referenceSeq BackboneElement
 chromosome ? CodeableConcept
 genomeBuild ? string
 orientation ? code #orientation-type
 referenceSeqId ? CodeableConcept
 referenceSeqPointer ? Reference(MolecularSequence)
 referenceSeqString ? string
 strand ? code #strand-type
 windowStart ? integer
 windowEnd ? integer
MolecularSequence.variant BackboneElement
 start ? integer
 end ? integer
 observedAllele ? string
 referenceAllele ? string
 cigar ? string
 variantPointer ? Reference(Observation)
MolecularSequence.quality BackboneElement
 type 1 code #quality-type
 standardSequence ? CodeableConcept
 start ? integer
 end ? integer
 score ? Quantity
 method ? CodeableConcept
 truthTP ? decimal
 queryTP ? decimal
 truthFN ? decimal
 queryFP ? decimal
 gtFP ? decimal
 precision ? decimal
 recall ? decimal
 fScore ? decimal
 roc ? MolecularSequence.quality.roc
MolecularSequence.quality.roc BackboneElement
 score * integer
 numTP * integer
 numFP * integer
 numFN * integer
 precision * decimal
 sensitivity * decimal
 fMeasure * decimal
MolecularSequence.repository BackboneElement
 type 1 code #repository-type
 url ? uri
 name ? string
 datasetId ? string
 variantsetId ? string
 readsetId ? string
MolecularSequence.structureVariant BackboneElement
 variantType ? CodeableConcept
 exact ? boolean
 length ? integer
 outer ? MolecularSequence.structureVariant.outer
 inner ? MolecularSequence.structureVariant.inner
MolecularSequence.structureVariant.outer BackboneElement
 start ? integer
 end ? integer
MolecularSequence.structureVariant.inner BackboneElement
 start ? integer
 end ? integer
Money Element
 value ? decimal
 currency ? code
NamingSystem DomainResource
 name 1 string
 status 1 code #publication-status
 kind 1 code #namingsystem-type
 date 1 dateTime
 publisher ? string
 contact * ContactDetail
 responsible ? string
 type ? CodeableConcept
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 usage ? string
 uniqueId + NamingSystem.uniqueId
NamingSystem.uniqueId BackboneElement
 type 1 code #namingsystem-identifier-type
 value 1 string
 preferred ? boolean
 comment ? string
 period ? Period
Narrative Element
 status 1 code #narrative-status
 div 1 xhtml
NutritionOrder DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 instantiates * uri
 status 1 code #request-status
 intent 1 code #request-intent
 patient 1 Reference(Patient)
 encounter ? Reference(Encounter)
 dateTime 1 dateTime
 orderer ? Reference(Practitioner,PractitionerRole)
 allergyIntolerance * Reference(AllergyIntolerance)
 foodPreferenceModifier * CodeableConcept
 excludeFoodModifier * CodeableConcept
 oralDiet ? NutritionOrder.oralDiet
 supplement * NutritionOrder.supplement
 enteralFormula ? NutritionOrder.enteralFormula
 note * Annotation
NutritionOrder.oralDiet BackboneElement
 type * CodeableConcept
 schedule * Timing
 nutrient * NutritionOrder.oralDiet.nutrient
 texture * NutritionOrder.oralDiet.texture
 fluidConsistencyType * CodeableConcept
 instruction ? string
NutritionOrder.oralDiet.nutrient BackboneElement
 modifier ? CodeableConcept
 amount ? SimpleQuantity
NutritionOrder.oralDiet.texture BackboneElement
 modifier ? CodeableConcept
 foodType ? CodeableConcept
NutritionOrder.supplement BackboneElement
 type ? CodeableConcept
 productName ? string
 schedule * Timing
 quantity ? SimpleQuantity
 instruction ? string
NutritionOrder.enteralFormula BackboneElement
 baseFormulaType ? CodeableConcept
 baseFormulaProductName ? string
 additiveType ? CodeableConcept
 additiveProductName ? string
 caloricDensity ? SimpleQuantity
 routeofAdministration ? CodeableConcept
 administration * NutritionOrder.enteralFormula.administration
 maxVolumeToDeliver ? SimpleQuantity
 administrationInstruction ? string
NutritionOrder.enteralFormula.administration BackboneElement
 schedule ? Timing
 quantity ? SimpleQuantity
 rate[x] ? SimpleQuantity|Ratio
Observation DomainResource
 identifier * Identifier
 basedOn * Reference(CarePlan,DeviceRequest,ImmunizationRecommendation,MedicationRequest,NutritionOrder,ServiceRequest)
 partOf * Reference(MedicationAdministration,MedicationDispense,MedicationStatement,Procedure,Immunization,ImagingStudy)
 status 1 code #observation-status
 category * CodeableConcept
 code 1 CodeableConcept
 subject ? Reference(Patient,Group,Device,Location)
 focus * Reference
 encounter ? Reference(Encounter)
 effective[x] ? dateTime|Period|Timing|instant
 issued ? instant
 performer * Reference(Practitioner,PractitionerRole,Organization,CareTeam,Patient,RelatedPerson)
 value[x] ? Quantity|CodeableConcept|string|boolean|integer|Range|Ratio|SampledData|time|dateTime|Period
 dataAbsentReason ? CodeableConcept
 interpretation * CodeableConcept
 note * Annotation
 bodySite ? CodeableConcept
 method ? CodeableConcept
 specimen ? Reference(Specimen)
 device ? Reference(Device,DeviceMetric)
 referenceRange * Observation.referenceRange
 hasMember * Reference(Observation,QuestionnaireResponse,MolecularSequence)
 derivedFrom * Reference(DocumentReference,ImagingStudy,Media,QuestionnaireResponse,Observation,MolecularSequence)
 component * Observation.component
Observation.referenceRange BackboneElement
 low ? SimpleQuantity
 high ? SimpleQuantity
 type ? CodeableConcept
 appliesTo * CodeableConcept
 age ? Range
 text ? string
Observation.component BackboneElement
 code 1 CodeableConcept
 value[x] ? Quantity|CodeableConcept|string|boolean|integer|Range|Ratio|SampledData|time|dateTime|Period
 dataAbsentReason ? CodeableConcept
 interpretation * CodeableConcept
 referenceRange * Observation.referenceRange
ObservationDefinition DomainResource
 category * CodeableConcept
 code 1 CodeableConcept
 identifier * Identifier
 permittedDataType * code #permitted-data-type
 multipleResultsAllowed ? boolean
 method ? CodeableConcept
 preferredReportName ? string
 quantitativeDetails ? ObservationDefinition.quantitativeDetails
 qualifiedInterval * ObservationDefinition.qualifiedInterval
 validCodedValueSet ? Reference(ValueSet)
 normalCodedValueSet ? Reference(ValueSet)
 abnormalCodedValueSet ? Reference(ValueSet)
 criticalCodedValueSet ? Reference(ValueSet)
ObservationDefinition.quantitativeDetails BackboneElement
 customaryUnit ? CodeableConcept
 unit ? CodeableConcept
 conversionFactor ? decimal
 decimalPrecision ? integer
ObservationDefinition.qualifiedInterval BackboneElement
 category ? code #observation-range-category
 range ? Range
 context ? CodeableConcept
 appliesTo * CodeableConcept
 gender ? code #administrative-gender
 age ? Range
 gestationalAge ? Range
 condition ? string
OperationDefinition DomainResource
 url ? uri
 version ? string
 name 1 string
 title ? string
 status 1 code #publication-status
 kind 1 code #operation-kind
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 affectsState ? boolean
 code 1 code
 comment ? markdown
 base ? canonical
 resource * code #resource-types
 system 1 boolean
 type 1 boolean
 instance 1 boolean
 inputProfile ? canonical
 outputProfile ? canonical
 parameter * OperationDefinition.parameter
 overload * OperationDefinition.overload
OperationDefinition.parameter BackboneElement
 name 1 code
 use 1 code #operation-parameter-use
 min 1 integer
 max 1 string
 documentation ? string
 type ? code #all-types
 targetProfile * canonical
 searchType ? code #search-param-type
 binding ? OperationDefinition.parameter.binding
 referencedFrom * OperationDefinition.parameter.referencedFrom
 part * OperationDefinition.parameter
OperationDefinition.parameter.binding BackboneElement
 strength 1 code #binding-strength
 valueSet 1 canonical
OperationDefinition.parameter.referencedFrom BackboneElement
 source 1 string
 sourceId ? string
OperationDefinition.overload BackboneElement
 parameterName * string
 comment ? string
OperationOutcome DomainResource
 issue + OperationOutcome.issue
OperationOutcome.issue BackboneElement
 severity 1 code #issue-severity
 code 1 code #issue-type
 details ? CodeableConcept
 diagnostics ? string
 location * string
 expression * string
Organization DomainResource
 identifier * Identifier
 active ? boolean
 type * CodeableConcept
 name ? string
 alias * string
 telecom * ContactPoint
 address * Address
 partOf ? Reference(Organization)
 contact * Organization.contact
 endpoint * Reference(Endpoint)
Organization.contact BackboneElement
 purpose ? CodeableConcept
 name ? HumanName
 telecom * ContactPoint
 address ? Address
OrganizationAffiliation DomainResource
 identifier * Identifier
 active ? boolean
 period ? Period
 organization ? Reference(Organization)
 participatingOrganization ? Reference(Organization)
 network * Reference(Organization)
 code * CodeableConcept
 specialty * CodeableConcept
 location * Reference(Location)
 healthcareService * Reference(HealthcareService)
 telecom * ContactPoint
 endpoint * Reference(Endpoint)
ParameterDefinition Element
 name ? code
 use 1 code #operation-parameter-use
 min ? integer
 max ? string
 documentation ? string
 type 1 code #all-types
 profile ? canonical
Parameters Resource
 parameter * Parameters.parameter
Parameters.parameter BackboneElement
 name 1 string
 value[x] ? base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
 resource ? Resource
 part * Parameters.parameter
Patient DomainResource
 identifier * Identifier
 active ? boolean
 name * HumanName
 telecom * ContactPoint
 gender ? code #administrative-gender
 birthDate ? date
 deceased[x] ? boolean|dateTime
 address * Address
 maritalStatus ? CodeableConcept
 multipleBirth[x] ? boolean|integer
 photo * Attachment
 contact * Patient.contact
 communication * Patient.communication
 generalPractitioner * Reference(Organization,Practitioner,PractitionerRole)
 managingOrganization ? Reference(Organization)
 link * Patient.link
Patient.contact BackboneElement
 relationship * CodeableConcept
 name ? HumanName
 telecom * ContactPoint
 address ? Address
 gender ? code #administrative-gender
 organization ? Reference(Organization)
 period ? Period
Patient.communication BackboneElement
 language 1 CodeableConcept
 preferred ? boolean
Patient.link BackboneElement
 other 1 Reference(Patient,RelatedPerson)
 type 1 code #link-type
PaymentNotice DomainResource
 identifier * Identifier
 status 1 code #fm-status
 request ? Reference
 response ? Reference
 created 1 dateTime
 provider ? Reference(Practitioner,PractitionerRole,Organization)
 payment 1 Reference(PaymentReconciliation)
 paymentDate ? date
 payee ? Reference(Practitioner,PractitionerRole,Organization)
 recipient 1 Reference(Organization)
 amount 1 Money
 paymentStatus ? CodeableConcept
PaymentReconciliation DomainResource
 identifier * Identifier
 status 1 code #fm-status
 period ? Period
 created 1 dateTime
 paymentIssuer ? Reference(Organization)
 request ? Reference(Task)
 requestor ? Reference(Practitioner,PractitionerRole,Organization)
 outcome ? code #remittance-outcome
 disposition ? string
 paymentDate 1 date
 paymentAmount 1 Money
 paymentIdentifier ? Identifier
 detail * PaymentReconciliation.detail
 formCode ? CodeableConcept
 processNote * PaymentReconciliation.processNote
PaymentReconciliation.detail BackboneElement
 identifier ? Identifier
 predecessor ? Identifier
 type 1 CodeableConcept
 request ? Reference
 submitter ? Reference(Practitioner,PractitionerRole,Organization)
 response ? Reference
 date ? date
 responsible ? Reference(PractitionerRole)
 payee ? Reference(Practitioner,PractitionerRole,Organization)
 amount ? Money
PaymentReconciliation.processNote BackboneElement
 type ? code #note-type
 text ? string
Period Element
 start ? dateTime
 end ? dateTime
Person DomainResource
 identifier * Identifier
 name * HumanName
 telecom * ContactPoint
 gender ? code #administrative-gender
 birthDate ? date
 address * Address
 photo ? Attachment
 managingOrganization ? Reference(Organization)
 active ? boolean
 link * Person.link
Person.link BackboneElement
 target 1 Reference(Patient,Practitioner,RelatedPerson,Person)
 assurance ? code #identity-assuranceLevel
PlanDefinition DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 subtitle ? string
 type ? CodeableConcept
 status 1 code #publication-status
 experimental ? boolean
 subject[x] ? CodeableConcept|Reference(Group)
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 usage ? string
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 library * canonical
 goal * PlanDefinition.goal
 action * PlanDefinition.action
PlanDefinition.goal BackboneElement
 category ? CodeableConcept
 description 1 CodeableConcept
 priority ? CodeableConcept
 start ? CodeableConcept
 addresses * CodeableConcept
 documentation * RelatedArtifact
 target * PlanDefinition.goal.target
PlanDefinition.goal.target BackboneElement
 measure ? CodeableConcept
 detail[x] ? Quantity|Range|CodeableConcept
 due ? Duration
PlanDefinition.action BackboneElement
 prefix ? string
 title ? string
 description ? string
 textEquivalent ? string
 priority ? code #request-priority
 code * CodeableConcept
 reason * CodeableConcept
 documentation * RelatedArtifact
 goalId * id
 subject[x] ? CodeableConcept|Reference(Group)
 trigger * TriggerDefinition
 condition * PlanDefinition.action.condition
 input * DataRequirement
 output * DataRequirement
 relatedAction * PlanDefinition.action.relatedAction
 timing[x] ? dateTime|Age|Period|Duration|Range|Timing
 participant * PlanDefinition.action.participant
 type ? CodeableConcept
 groupingBehavior ? code #action-grouping-behavior
 selectionBehavior ? code #action-selection-behavior
 requiredBehavior ? code #action-required-behavior
 precheckBehavior ? code #action-precheck-behavior
 cardinalityBehavior ? code #action-cardinality-behavior
 definition[x] ? canonical|uri
 transform ? canonical
 dynamicValue * PlanDefinition.action.dynamicValue
 action * PlanDefinition.action
PlanDefinition.action.condition BackboneElement
 kind 1 code #action-condition-kind
 expression ? Expression
PlanDefinition.action.relatedAction BackboneElement
 actionId 1 id
 relationship 1 code #action-relationship-type
 offset[x] ? Duration|Range
PlanDefinition.action.participant BackboneElement
 type 1 code #action-participant-type
 role ? CodeableConcept
PlanDefinition.action.dynamicValue BackboneElement
 path ? string
 expression ? Expression
Population BackboneElement
 age[x] ? Range|CodeableConcept
 gender ? CodeableConcept
 race ? CodeableConcept
 physiologicalCondition ? CodeableConcept
Practitioner DomainResource
 identifier * Identifier
 active ? boolean
 name * HumanName
 telecom * ContactPoint
 address * Address
 gender ? code #administrative-gender
 birthDate ? date
 photo * Attachment
 qualification * Practitioner.qualification
 communication * CodeableConcept
Practitioner.qualification BackboneElement
 identifier * Identifier
 code 1 CodeableConcept
 period ? Period
 issuer ? Reference(Organization)
PractitionerRole DomainResource
 identifier * Identifier
 active ? boolean
 period ? Period
 practitioner ? Reference(Practitioner)
 organization ? Reference(Organization)
 code * CodeableConcept
 specialty * CodeableConcept
 location * Reference(Location)
 healthcareService * Reference(HealthcareService)
 telecom * ContactPoint
 availableTime * PractitionerRole.availableTime
 notAvailable * PractitionerRole.notAvailable
 availabilityExceptions ? string
 endpoint * Reference(Endpoint)
PractitionerRole.availableTime BackboneElement
 daysOfWeek * code #days-of-week
 allDay ? boolean
 availableStartTime ? time
 availableEndTime ? time
PractitionerRole.notAvailable BackboneElement
 description 1 string
 during ? Period
Procedure DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 basedOn * Reference(CarePlan,ServiceRequest)
 partOf * Reference(Procedure,Observation,MedicationAdministration)
 status 1 code #event-status
 statusReason ? CodeableConcept
 category ? CodeableConcept
 code ? CodeableConcept
 subject 1 Reference(Patient,Group)
 encounter ? Reference(Encounter)
 performed[x] ? dateTime|Period|string|Age|Range
 recorder ? Reference(Patient,RelatedPerson,Practitioner,PractitionerRole)
 asserter ? Reference(Patient,RelatedPerson,Practitioner,PractitionerRole)
 performer * Procedure.performer
 location ? Reference(Location)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,Procedure,DiagnosticReport,DocumentReference)
 bodySite * CodeableConcept
 outcome ? CodeableConcept
 report * Reference(DiagnosticReport,DocumentReference,Composition)
 complication * CodeableConcept
 complicationDetail * Reference(Condition)
 followUp * CodeableConcept
 note * Annotation
 focalDevice * Procedure.focalDevice
 usedReference * Reference(Device,Medication,Substance)
 usedCode * CodeableConcept
Procedure.performer BackboneElement
 function ? CodeableConcept
 actor 1 Reference(Practitioner,PractitionerRole,Organization,Patient,RelatedPerson,Device)
 onBehalfOf ? Reference(Organization)
Procedure.focalDevice BackboneElement
 action ? CodeableConcept
 manipulated 1 Reference(Device)
ProdCharacteristic BackboneElement
 height ? Quantity
 width ? Quantity
 depth ? Quantity
 weight ? Quantity
 nominalVolume ? Quantity
 externalDiameter ? Quantity
 shape ? string
 color * string
 imprint * string
 image * Attachment
 scoring ? CodeableConcept
ProductShelfLife BackboneElement
 identifier ? Identifier
 type 1 CodeableConcept
 period 1 Quantity
 specialPrecautionsForStorage * CodeableConcept
Provenance DomainResource
 target + Reference
 occurred[x] ? Period|dateTime
 recorded 1 instant
 policy * uri
 location ? Reference(Location)
 reason * CodeableConcept
 activity ? CodeableConcept
 agent + Provenance.agent
 entity * Provenance.entity
 signature * Signature
Provenance.agent BackboneElement
 type ? CodeableConcept
 role * CodeableConcept
 who 1 Reference(Practitioner,PractitionerRole,RelatedPerson,Patient,Device,Organization)
 onBehalfOf ? Reference(Practitioner,PractitionerRole,RelatedPerson,Patient,Device,Organization)
Provenance.entity BackboneElement
 role 1 code #provenance-entity-role
 what 1 Reference
 agent * Provenance.agent
Quantity Element
 value ? decimal
 comparator ? code #quantity-comparator
 unit ? string
 system ? uri
 code ? code
Questionnaire DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 derivedFrom * canonical
 status 1 code #publication-status
 experimental ? boolean
 subjectType * code #resource-types
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 code * Coding
 item * Questionnaire.item
Questionnaire.item BackboneElement
 linkId 1 string
 definition ? uri
 code * Coding
 prefix ? string
 text ? string
 type 1 code #item-type
 enableWhen * Questionnaire.item.enableWhen
 enableBehavior ? code #questionnaire-enable-behavior
 required ? boolean
 repeats ? boolean
 readOnly ? boolean
 maxLength ? integer
 answerValueSet ? canonical
 answerOption * Questionnaire.item.answerOption
 initial * Questionnaire.item.initial
 item * Questionnaire.item
Questionnaire.item.enableWhen BackboneElement
 question 1 string
 operator 1 code #questionnaire-enable-operator
 answer[x] 1 boolean|decimal|integer|date|dateTime|time|string|Coding|Quantity|Reference
Questionnaire.item.answerOption BackboneElement
 value[x] 1 integer|date|time|string|Coding|Reference
 initialSelected ? boolean
Questionnaire.item.initial BackboneElement
 value[x] 1 boolean|decimal|integer|date|dateTime|time|string|uri|Attachment|Coding|Quantity|Reference
QuestionnaireResponse DomainResource
 identifier ? Identifier
 basedOn * Reference(CarePlan,ServiceRequest)
 partOf * Reference(Observation,Procedure)
 questionnaire ? canonical
 status 1 code #questionnaire-answers-status
 subject ? Reference
 encounter ? Reference(Encounter)
 authored ? dateTime
 author ? Reference(Device,Practitioner,PractitionerRole,Patient,RelatedPerson,Organization)
 source ? Reference(Patient,Practitioner,PractitionerRole,RelatedPerson)
 item * QuestionnaireResponse.item
QuestionnaireResponse.item BackboneElement
 linkId 1 string
 definition ? uri
 text ? string
 answer * QuestionnaireResponse.item.answer
 item * QuestionnaireResponse.item
QuestionnaireResponse.item.answer BackboneElement
 value[x] ? boolean|decimal|integer|date|dateTime|time|string|uri|Attachment|Coding|Quantity|Reference
 item * QuestionnaireResponse.item
Range Element
 low ? SimpleQuantity
 high ? SimpleQuantity
Ratio Element
 numerator ? Quantity
 denominator ? Quantity
Reference Element
 reference ? string
 type ? uri
 identifier ? Identifier
 display ? string
RelatedArtifact Element
 type 1 code #related-artifact-type
 label ? string
 display ? string
 citation ? markdown
 url ? url
 document ? Attachment
 resource ? canonical
RelatedPerson DomainResource
 identifier * Identifier
 active ? boolean
 patient 1 Reference(Patient)
 relationship * CodeableConcept
 name * HumanName
 telecom * ContactPoint
 gender ? code #administrative-gender
 birthDate ? date
 address * Address
 photo * Attachment
 period ? Period
 communication * RelatedPerson.communication
RelatedPerson.communication BackboneElement
 language 1 CodeableConcept
 preferred ? boolean
RequestGroup DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 basedOn * Reference
 replaces * Reference
 groupIdentifier ? Identifier
 status 1 code #request-status
 intent 1 code #request-intent
 priority ? code #request-priority
 code ? CodeableConcept
 subject ? Reference(Patient,Group)
 encounter ? Reference(Encounter)
 authoredOn ? dateTime
 author ? Reference(Device,Practitioner,PractitionerRole)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 note * Annotation
 action * RequestGroup.action
RequestGroup.action BackboneElement
 prefix ? string
 title ? string
 description ? string
 textEquivalent ? string
 priority ? code #request-priority
 code * CodeableConcept
 documentation * RelatedArtifact
 condition * RequestGroup.action.condition
 relatedAction * RequestGroup.action.relatedAction
 timing[x] ? dateTime|Age|Period|Duration|Range|Timing
 participant * Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Device)
 type ? CodeableConcept
 groupingBehavior ? code #action-grouping-behavior
 selectionBehavior ? code #action-selection-behavior
 requiredBehavior ? code #action-required-behavior
 precheckBehavior ? code #action-precheck-behavior
 cardinalityBehavior ? code #action-cardinality-behavior
 resource ? Reference
 action * RequestGroup.action
RequestGroup.action.condition BackboneElement
 kind 1 code #action-condition-kind
 expression ? Expression
RequestGroup.action.relatedAction BackboneElement
 actionId 1 id
 relationship 1 code #action-relationship-type
 offset[x] ? Duration|Range
ResearchDefinition DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 shortTitle ? string
 subtitle ? string
 status 1 code #publication-status
 experimental ? boolean
 subject[x] ? CodeableConcept|Reference(Group)
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 comment * string
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 usage ? string
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 library * canonical
 population 1 Reference(ResearchElementDefinition)
 exposure ? Reference(ResearchElementDefinition)
 exposureAlternative ? Reference(ResearchElementDefinition)
 outcome ? Reference(ResearchElementDefinition)
ResearchElementDefinition DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 shortTitle ? string
 subtitle ? string
 status 1 code #publication-status
 experimental ? boolean
 subject[x] ? CodeableConcept|Reference(Group)
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 comment * string
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 usage ? string
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 library * canonical
 type 1 code #research-element-type
 variableType ? code #variable-type
 characteristic + ResearchElementDefinition.characteristic
ResearchElementDefinition.characteristic BackboneElement
 definition[x] 1 CodeableConcept|canonical|Expression|DataRequirement
 usageContext * UsageContext
 exclude ? boolean
 unitOfMeasure ? CodeableConcept
 studyEffectiveDescription ? string
 studyEffective[x] ? dateTime|Period|Duration|Timing
 studyEffectiveTimeFromStart ? Duration
 studyEffectiveGroupMeasure ? code #group-measure
 participantEffectiveDescription ? string
 participantEffective[x] ? dateTime|Period|Duration|Timing
 participantEffectiveTimeFromStart ? Duration
 participantEffectiveGroupMeasure ? code #group-measure
ResearchStudy DomainResource
 identifier * Identifier
 title ? string
 protocol * Reference(PlanDefinition)
 partOf * Reference(ResearchStudy)
 status 1 code #research-study-status
 primaryPurposeType ? CodeableConcept
 phase ? CodeableConcept
 category * CodeableConcept
 focus * CodeableConcept
 condition * CodeableConcept
 contact * ContactDetail
 relatedArtifact * RelatedArtifact
 keyword * CodeableConcept
 location * CodeableConcept
 description ? markdown
 enrollment * Reference(Group)
 period ? Period
 sponsor ? Reference(Organization)
 principalInvestigator ? Reference(Practitioner,PractitionerRole)
 site * Reference(Location)
 reasonStopped ? CodeableConcept
 note * Annotation
 arm * ResearchStudy.arm
 objective * ResearchStudy.objective
ResearchStudy.arm BackboneElement
 name 1 string
 type ? CodeableConcept
 description ? string
ResearchStudy.objective BackboneElement
 name ? string
 type ? CodeableConcept
ResearchSubject DomainResource
 identifier * Identifier
 status 1 code #research-subject-status
 period ? Period
 study 1 Reference(ResearchStudy)
 individual 1 Reference(Patient)
 assignedArm ? string
 actualArm ? string
 consent ? Reference(Consent)
Resource
 id ? id
 meta ? Meta
 implicitRules ? uri
 language ? code
RiskAssessment DomainResource
 identifier * Identifier
 basedOn ? Reference
 parent ? Reference
 status 1 code #observation-status
 method ? CodeableConcept
 code ? CodeableConcept
 subject 1 Reference(Patient,Group)
 encounter ? Reference(Encounter)
 occurrence[x] ? dateTime|Period
 condition ? Reference(Condition)
 performer ? Reference(Practitioner,PractitionerRole,Device)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 basis * Reference
 prediction * RiskAssessment.prediction
 mitigation ? string
 note * Annotation
RiskAssessment.prediction BackboneElement
 outcome ? CodeableConcept
 probability[x] ? decimal|Range
 qualitativeRisk ? CodeableConcept
 relativeRisk ? decimal
 when[x] ? Period|Range
 rationale ? string
RiskEvidenceSynthesis DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 status 1 code #publication-status
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 note * Annotation
 useContext * UsageContext
 jurisdiction * CodeableConcept
 copyright ? markdown
 approvalDate ? date
 lastReviewDate ? date
 effectivePeriod ? Period
 topic * CodeableConcept
 author * ContactDetail
 editor * ContactDetail
 reviewer * ContactDetail
 endorser * ContactDetail
 relatedArtifact * RelatedArtifact
 synthesisType ? CodeableConcept
 studyType ? CodeableConcept
 population 1 Reference(EvidenceVariable)
 exposure ? Reference(EvidenceVariable)
 outcome 1 Reference(EvidenceVariable)
 sampleSize ? RiskEvidenceSynthesis.sampleSize
 riskEstimate ? RiskEvidenceSynthesis.riskEstimate
 certainty * RiskEvidenceSynthesis.certainty
RiskEvidenceSynthesis.sampleSize BackboneElement
 description ? string
 numberOfStudies ? integer
 numberOfParticipants ? integer
RiskEvidenceSynthesis.riskEstimate BackboneElement
 description ? string
 type ? CodeableConcept
 value ? decimal
 unitOfMeasure ? CodeableConcept
 denominatorCount ? integer
 numeratorCount ? integer
 precisionEstimate * RiskEvidenceSynthesis.riskEstimate.precisionEstimate
RiskEvidenceSynthesis.riskEstimate.precisionEstimate BackboneElement
 type ? CodeableConcept
 level ? decimal
 from ? decimal
 to ? decimal
RiskEvidenceSynthesis.certainty BackboneElement
 rating * CodeableConcept
 note * Annotation
 certaintySubcomponent * RiskEvidenceSynthesis.certainty.certaintySubcomponent
RiskEvidenceSynthesis.certainty.certaintySubcomponent BackboneElement
 type ? CodeableConcept
 rating * CodeableConcept
 note * Annotation
SampledData Element
 origin 1 SimpleQuantity
 period 1 decimal
 factor ? decimal
 lowerLimit ? decimal
 upperLimit ? decimal
 dimensions 1 positiveInt
 data ? string
Schedule DomainResource
 identifier * Identifier
 active ? boolean
 serviceCategory * CodeableConcept
 serviceType * CodeableConcept
 specialty * CodeableConcept
 actor + Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Device,HealthcareService,Location)
 planningHorizon ? Period
 comment ? string
SearchParameter DomainResource
 url 1 uri
 version ? string
 name 1 string
 derivedFrom ? canonical
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description 1 markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 code 1 code
 base + code #resource-types
 type 1 code #search-param-type
 expression ? string
 xpath ? string
 xpathUsage ? code #search-xpath-usage
 target * code #resource-types
 multipleOr ? boolean
 multipleAnd ? boolean
 comparator * code #search-comparator
 modifier * code #search-modifier-code
 chain * string
 component * SearchParameter.component
SearchParameter.component BackboneElement
 definition 1 canonical
 expression 1 string
ServiceRequest DomainResource
 identifier * Identifier
 instantiatesCanonical * canonical
 instantiatesUri * uri
 basedOn * Reference(CarePlan,ServiceRequest,MedicationRequest)
 replaces * Reference(ServiceRequest)
 requisition ? Identifier
 status 1 code #request-status
 intent 1 code #request-intent
 category * CodeableConcept
 priority ? code #request-priority
 doNotPerform ? boolean
 code ? CodeableConcept
 orderDetail * CodeableConcept
 quantity[x] ? Quantity|Ratio|Range
 subject 1 Reference(Patient,Group,Location,Device)
 encounter ? Reference(Encounter)
 occurrence[x] ? dateTime|Period|Timing
 asNeeded[x] ? boolean|CodeableConcept
 authoredOn ? dateTime
 requester ? Reference(Practitioner,PractitionerRole,Organization,Patient,RelatedPerson,Device)
 performerType ? CodeableConcept
 performer * Reference(Practitioner,PractitionerRole,Organization,CareTeam,HealthcareService,Patient,Device,RelatedPerson)
 locationCode * CodeableConcept
 locationReference * Reference(Location)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 insurance * Reference(Coverage,ClaimResponse)
 supportingInfo * Reference
 specimen * Reference(Specimen)
 bodySite * CodeableConcept
 note * Annotation
 patientInstruction ? string
 relevantHistory * Reference(Provenance)
Signature Element
 type + Coding
 when 1 instant
 who 1 Reference(Practitioner,PractitionerRole,RelatedPerson,Patient,Device,Organization)
 onBehalfOf ? Reference(Practitioner,PractitionerRole,RelatedPerson,Patient,Device,Organization)
 targetFormat ? code
 sigFormat ? code
 data ? base64Binary
SimpleQuantity Quantity
Slot DomainResource
 identifier * Identifier
 serviceCategory * CodeableConcept
 serviceType * CodeableConcept
 specialty * CodeableConcept
 appointmentType ? CodeableConcept
 schedule 1 Reference(Schedule)
 status 1 code #slotstatus
 start 1 instant
 end 1 instant
 overbooked ? boolean
 comment ? string
Specimen DomainResource
 identifier * Identifier
 accessionIdentifier ? Identifier
 status ? code #specimen-status
 type ? CodeableConcept
 subject ? Reference(Patient,Group,Device,Substance,Location)
 receivedTime ? dateTime
 parent * Reference(Specimen)
 request * Reference(ServiceRequest)
 collection ? Specimen.collection
 processing * Specimen.processing
 container * Specimen.container
 condition * CodeableConcept
 note * Annotation
Specimen.collection BackboneElement
 collector ? Reference(Practitioner,PractitionerRole)
 collected[x] ? dateTime|Period
 duration ? Duration
 quantity ? SimpleQuantity
 method ? CodeableConcept
 bodySite ? CodeableConcept
 fastingStatus[x] ? CodeableConcept|Duration
Specimen.processing BackboneElement
 description ? string
 procedure ? CodeableConcept
 additive * Reference(Substance)
 time[x] ? dateTime|Period
Specimen.container BackboneElement
 identifier * Identifier
 description ? string
 type ? CodeableConcept
 capacity ? SimpleQuantity
 specimenQuantity ? SimpleQuantity
 additive[x] ? CodeableConcept|Reference(Substance)
SpecimenDefinition DomainResource
 identifier ? Identifier
 typeCollected ? CodeableConcept
 patientPreparation * CodeableConcept
 timeAspect ? string
 collection * CodeableConcept
 typeTested * SpecimenDefinition.typeTested
SpecimenDefinition.typeTested BackboneElement
 isDerived ? boolean
 type ? CodeableConcept
 preference 1 code #specimen-contained-preference
 container ? SpecimenDefinition.typeTested.container
 requirement ? string
 retentionTime ? Duration
 rejectionCriterion * CodeableConcept
 handling * SpecimenDefinition.typeTested.handling
SpecimenDefinition.typeTested.container BackboneElement
 material ? CodeableConcept
 type ? CodeableConcept
 cap ? CodeableConcept
 description ? string
 capacity ? SimpleQuantity
 minimumVolume[x] ? SimpleQuantity|string
 additive * SpecimenDefinition.typeTested.container.additive
 preparation ? string
SpecimenDefinition.typeTested.container.additive BackboneElement
 additive[x] 1 CodeableConcept|Reference(Substance)
SpecimenDefinition.typeTested.handling BackboneElement
 temperatureQualifier ? CodeableConcept
 temperatureRange ? Range
 maxDuration ? Duration
 instruction ? string
StructureDefinition DomainResource
 url 1 uri
 identifier * Identifier
 version ? string
 name 1 string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 keyword * Coding
 fhirVersion ? code #FHIR-version
 mapping * StructureDefinition.mapping
 kind 1 code #structure-definition-kind
 abstract 1 boolean
 context * StructureDefinition.context
 contextInvariant * string
 type 1 uri
 baseDefinition ? canonical
 derivation ? code #type-derivation-rule
 snapshot ? StructureDefinition.snapshot
 differential ? StructureDefinition.differential
StructureDefinition.mapping BackboneElement
 identity 1 id
 uri ? uri
 name ? string
 comment ? string
StructureDefinition.context BackboneElement
 type 1 code #extension-context-type
 expression 1 string
StructureDefinition.snapshot BackboneElement
 element + ElementDefinition
StructureDefinition.differential BackboneElement
 element + ElementDefinition
StructureMap DomainResource
 url 1 uri
 identifier * Identifier
 version ? string
 name 1 string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 structure * StructureMap.structure
 import * canonical
 group + StructureMap.group
StructureMap.structure BackboneElement
 url 1 canonical
 mode 1 code #map-model-mode
 alias ? string
 documentation ? string
StructureMap.group BackboneElement
 name 1 id
 extends ? id
 typeMode 1 code #map-group-type-mode
 documentation ? string
 input + StructureMap.group.input
 rule + StructureMap.group.rule
StructureMap.group.input BackboneElement
 name 1 id
 type ? string
 mode 1 code #map-input-mode
 documentation ? string
StructureMap.group.rule BackboneElement
 name 1 id
 source + StructureMap.group.rule.source
 target * StructureMap.group.rule.target
 rule * StructureMap.group.rule
 dependent * StructureMap.group.rule.dependent
 documentation ? string
StructureMap.group.rule.source BackboneElement
 context 1 id
 min ? integer
 max ? string
 type ? string
 defaultValue[x] ? base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
 element ? string
 listMode ? code #map-source-list-mode
 variable ? id
 condition ? string
 check ? string
 logMessage ? string
StructureMap.group.rule.target BackboneElement
 context ? id
 contextType ? code #map-context-type
 element ? string
 variable ? id
 listMode * code #map-target-list-mode
 listRuleId ? id
 transform ? code #map-transform
 parameter * StructureMap.group.rule.target.parameter
StructureMap.group.rule.target.parameter BackboneElement
 value[x] 1 id|string|boolean|integer|decimal
StructureMap.group.rule.dependent BackboneElement
 name 1 id
 variable + string
Subscription DomainResource
 status 1 code #subscription-status
 contact * ContactPoint
 end ? instant
 reason 1 string
 criteria 1 string
 error ? string
 channel 1 Subscription.channel
Subscription.channel BackboneElement
 type 1 code #subscription-channel-type
 endpoint ? url
 payload ? code
 header * string
Substance DomainResource
 identifier * Identifier
 status ? code #substance-status
 category * CodeableConcept
 code 1 CodeableConcept
 description ? string
 instance * Substance.instance
 ingredient * Substance.ingredient
Substance.instance BackboneElement
 identifier ? Identifier
 expiry ? dateTime
 quantity ? SimpleQuantity
Substance.ingredient BackboneElement
 quantity ? Ratio
 substance[x] 1 CodeableConcept|Reference(Substance)
SubstanceAmount BackboneElement
 amount[x] ? Quantity|Range|string
 amountType ? CodeableConcept
 amountText ? string
 referenceRange ? SubstanceAmount.referenceRange
SubstanceAmount.referenceRange Element
 lowLimit ? Quantity
 highLimit ? Quantity
SubstanceNucleicAcid DomainResource
 sequenceType ? CodeableConcept
 numberOfSubunits ? integer
 areaOfHybridisation ? string
 oligoNucleotideType ? CodeableConcept
 subunit * SubstanceNucleicAcid.subunit
SubstanceNucleicAcid.subunit BackboneElement
 subunit ? integer
 sequence ? string
 length ? integer
 sequenceAttachment ? Attachment
 fivePrime ? CodeableConcept
 threePrime ? CodeableConcept
 linkage * SubstanceNucleicAcid.subunit.linkage
 sugar * SubstanceNucleicAcid.subunit.sugar
SubstanceNucleicAcid.subunit.linkage BackboneElement
 connectivity ? string
 identifier ? Identifier
 name ? string
 residueSite ? string
SubstanceNucleicAcid.subunit.sugar BackboneElement
 identifier ? Identifier
 name ? string
 residueSite ? string
SubstancePolymer DomainResource
 class ? CodeableConcept
 geometry ? CodeableConcept
 copolymerConnectivity * CodeableConcept
 modification * string
 monomerSet * SubstancePolymer.monomerSet
 repeat * SubstancePolymer.repeat
SubstancePolymer.monomerSet BackboneElement
 ratioType ? CodeableConcept
 startingMaterial * SubstancePolymer.monomerSet.startingMaterial
SubstancePolymer.monomerSet.startingMaterial BackboneElement
 material ? CodeableConcept
 type ? CodeableConcept
 isDefining ? boolean
 amount ? SubstanceAmount
SubstancePolymer.repeat BackboneElement
 numberOfUnits ? integer
 averageMolecularFormula ? string
 repeatUnitAmountType ? CodeableConcept
 repeatUnit * SubstancePolymer.repeat.repeatUnit
SubstancePolymer.repeat.repeatUnit BackboneElement
 orientationOfPolymerisation ? CodeableConcept
 repeatUnit ? string
 amount ? SubstanceAmount
 degreeOfPolymerisation * SubstancePolymer.repeat.repeatUnit.degreeOfPolymerisation
 structuralRepresentation * SubstancePolymer.repeat.repeatUnit.structuralRepresentation
SubstancePolymer.repeat.repeatUnit.degreeOfPolymerisation BackboneElement
 degree ? CodeableConcept
 amount ? SubstanceAmount
SubstancePolymer.repeat.repeatUnit.structuralRepresentation BackboneElement
 type ? CodeableConcept
 representation ? string
 attachment ? Attachment
SubstanceProtein DomainResource
 sequenceType ? CodeableConcept
 numberOfSubunits ? integer
 disulfideLinkage * string
 subunit * SubstanceProtein.subunit
SubstanceProtein.subunit BackboneElement
 subunit ? integer
 sequence ? string
 length ? integer
 sequenceAttachment ? Attachment
 nTerminalModificationId ? Identifier
 nTerminalModification ? string
 cTerminalModificationId ? Identifier
 cTerminalModification ? string
SubstanceReferenceInformation DomainResource
 comment ? string
 gene * SubstanceReferenceInformation.gene
 geneElement * SubstanceReferenceInformation.geneElement
 classification * SubstanceReferenceInformation.classification
 target * SubstanceReferenceInformation.target
SubstanceReferenceInformation.gene BackboneElement
 geneSequenceOrigin ? CodeableConcept
 gene ? CodeableConcept
 source * Reference(DocumentReference)
SubstanceReferenceInformation.geneElement BackboneElement
 type ? CodeableConcept
 element ? Identifier
 source * Reference(DocumentReference)
SubstanceReferenceInformation.classification BackboneElement
 domain ? CodeableConcept
 classification ? CodeableConcept
 subtype * CodeableConcept
 source * Reference(DocumentReference)
SubstanceReferenceInformation.target BackboneElement
 target ? Identifier
 type ? CodeableConcept
 interaction ? CodeableConcept
 organism ? CodeableConcept
 organismType ? CodeableConcept
 amount[x] ? Quantity|Range|string
 amountType ? CodeableConcept
 source * Reference(DocumentReference)
SubstanceSourceMaterial DomainResource
 sourceMaterialClass ? CodeableConcept
 sourceMaterialType ? CodeableConcept
 sourceMaterialState ? CodeableConcept
 organismId ? Identifier
 organismName ? string
 parentSubstanceId * Identifier
 parentSubstanceName * string
 countryOfOrigin * CodeableConcept
 geographicalLocation * string
 developmentStage ? CodeableConcept
 fractionDescription * SubstanceSourceMaterial.fractionDescription
 organism ? SubstanceSourceMaterial.organism
 partDescription * SubstanceSourceMaterial.partDescription
SubstanceSourceMaterial.fractionDescription BackboneElement
 fraction ? string
 materialType ? CodeableConcept
SubstanceSourceMaterial.organism BackboneElement
 family ? CodeableConcept
 genus ? CodeableConcept
 species ? CodeableConcept
 intraspecificType ? CodeableConcept
 intraspecificDescription ? string
 author * SubstanceSourceMaterial.organism.author
 hybrid ? SubstanceSourceMaterial.organism.hybrid
 organismGeneral ? SubstanceSourceMaterial.organism.organismGeneral
SubstanceSourceMaterial.organism.author BackboneElement
 authorType ? CodeableConcept
 authorDescription ? string
SubstanceSourceMaterial.organism.hybrid BackboneElement
 maternalOrganismId ? string
 maternalOrganismName ? string
 paternalOrganismId ? string
 paternalOrganismName ? string
 hybridType ? CodeableConcept
SubstanceSourceMaterial.organism.organismGeneral BackboneElement
 kingdom ? CodeableConcept
 phylum ? CodeableConcept
 class ? CodeableConcept
 order ? CodeableConcept
SubstanceSourceMaterial.partDescription BackboneElement
 part ? CodeableConcept
 partLocation ? CodeableConcept
SubstanceSpecification DomainResource
 identifier ? Identifier
 type ? CodeableConcept
 status ? CodeableConcept
 domain ? CodeableConcept
 description ? string
 source * Reference(DocumentReference)
 comment ? string
 moiety * SubstanceSpecification.moiety
 property * SubstanceSpecification.property
 referenceInformation ? Reference(SubstanceReferenceInformation)
 structure ? SubstanceSpecification.structure
 code * SubstanceSpecification.code
 name * SubstanceSpecification.name
 molecularWeight * SubstanceSpecification.structure.isotope.molecularWeight
 relationship * SubstanceSpecification.relationship
 nucleicAcid ? Reference(SubstanceNucleicAcid)
 polymer ? Reference(SubstancePolymer)
 protein ? Reference(SubstanceProtein)
 sourceMaterial ? Reference(SubstanceSourceMaterial)
SubstanceSpecification.moiety BackboneElement
 role ? CodeableConcept
 identifier ? Identifier
 name ? string
 stereochemistry ? CodeableConcept
 opticalActivity ? CodeableConcept
 molecularFormula ? string
 amount[x] ? Quantity|string
SubstanceSpecification.property BackboneElement
 category ? CodeableConcept
 code ? CodeableConcept
 parameters ? string
 definingSubstance[x] ? Reference(SubstanceSpecification,Substance)|CodeableConcept
 amount[x] ? Quantity|string
SubstanceSpecification.structure BackboneElement
 stereochemistry ? CodeableConcept
 opticalActivity ? CodeableConcept
 molecularFormula ? string
 molecularFormulaByMoiety ? string
 isotope * SubstanceSpecification.structure.isotope
 molecularWeight ? SubstanceSpecification.structure.isotope.molecularWeight
 source * Reference(DocumentReference)
 representation * SubstanceSpecification.structure.representation
SubstanceSpecification.structure.isotope BackboneElement
 identifier ? Identifier
 name ? CodeableConcept
 substitution ? CodeableConcept
 halfLife ? Quantity
 molecularWeight ? SubstanceSpecification.structure.isotope.molecularWeight
SubstanceSpecification.structure.isotope.molecularWeight BackboneElement
 method ? CodeableConcept
 type ? CodeableConcept
 amount ? Quantity
SubstanceSpecification.structure.representation BackboneElement
 type ? CodeableConcept
 representation ? string
 attachment ? Attachment
SubstanceSpecification.code BackboneElement
 code ? CodeableConcept
 status ? CodeableConcept
 statusDate ? dateTime
 comment ? string
 source * Reference(DocumentReference)
SubstanceSpecification.name BackboneElement
 name 1 string
 type ? CodeableConcept
 status ? CodeableConcept
 preferred ? boolean
 language * CodeableConcept
 domain * CodeableConcept
 jurisdiction * CodeableConcept
 synonym * SubstanceSpecification.name
 translation * SubstanceSpecification.name
 official * SubstanceSpecification.name.official
 source * Reference(DocumentReference)
SubstanceSpecification.name.official BackboneElement
 authority ? CodeableConcept
 status ? CodeableConcept
 date ? dateTime
SubstanceSpecification.relationship BackboneElement
 substance[x] ? Reference(SubstanceSpecification)|CodeableConcept
 relationship ? CodeableConcept
 isDefining ? boolean
 amount[x] ? Quantity|Range|Ratio|string
 amountRatioLowLimit ? Ratio
 amountType ? CodeableConcept
 source * Reference(DocumentReference)
SupplyDelivery DomainResource
 identifier * Identifier
 basedOn * Reference(SupplyRequest)
 partOf * Reference(SupplyDelivery,Contract)
 status ? code #supplydelivery-status
 patient ? Reference(Patient)
 type ? CodeableConcept #supplydelivery-type
 suppliedItem ? SupplyDelivery.suppliedItem
 occurrence[x] ? dateTime|Period|Timing
 supplier ? Reference(Practitioner,PractitionerRole,Organization)
 destination ? Reference(Location)
 receiver * Reference(Practitioner,PractitionerRole)
SupplyDelivery.suppliedItem BackboneElement
 quantity ? SimpleQuantity
 item[x] ? CodeableConcept|Reference(Medication,Substance,Device)
SupplyRequest DomainResource
 identifier * Identifier
 status ? code #supplyrequest-status
 category ? CodeableConcept
 priority ? code #request-priority
 item[x] 1 CodeableConcept|Reference(Medication,Substance,Device)
 quantity 1 Quantity
 parameter * SupplyRequest.parameter
 occurrence[x] ? dateTime|Period|Timing
 authoredOn ? dateTime
 requester ? Reference(Practitioner,PractitionerRole,Organization,Patient,RelatedPerson,Device)
 supplier * Reference(Organization,HealthcareService)
 reasonCode * CodeableConcept
 reasonReference * Reference(Condition,Observation,DiagnosticReport,DocumentReference)
 deliverFrom ? Reference(Organization,Location)
 deliverTo ? Reference(Organization,Location,Patient)
SupplyRequest.parameter BackboneElement
 code ? CodeableConcept
 value[x] ? CodeableConcept|Quantity|Range|boolean
Task DomainResource
 identifier * Identifier
 instantiatesCanonical ? canonical
 instantiatesUri ? uri
 basedOn * Reference
 groupIdentifier ? Identifier
 partOf * Reference(Task)
 status 1 code #task-status
 statusReason ? CodeableConcept
 businessStatus ? CodeableConcept
 intent 1 code #task-intent
 priority ? code #request-priority
 code ? CodeableConcept
 description ? string
 focus ? Reference
 for ? Reference
 encounter ? Reference(Encounter)
 executionPeriod ? Period
 authoredOn ? dateTime
 lastModified ? dateTime
 requester ? Reference(Device,Organization,Patient,Practitioner,PractitionerRole,RelatedPerson)
 performerType * CodeableConcept
 owner ? Reference(Practitioner,PractitionerRole,Organization,CareTeam,HealthcareService,Patient,Device,RelatedPerson)
 location ? Reference(Location)
 reasonCode ? CodeableConcept
 reasonReference ? Reference
 insurance * Reference(Coverage,ClaimResponse)
 note * Annotation
 relevantHistory * Reference(Provenance)
 restriction ? Task.restriction
 input * Task.input
 output * Task.output
Task.restriction BackboneElement
 repetitions ? positiveInt
 period ? Period
 recipient * Reference(Patient,Practitioner,PractitionerRole,RelatedPerson,Group,Organization)
Task.input BackboneElement
 type 1 CodeableConcept
 value[x] 1 base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
Task.output BackboneElement
 type 1 CodeableConcept
 value[x] 1 base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta
TerminologyCapabilities DomainResource
 url ? uri
 version ? string
 name ? string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date 1 dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 kind 1 code #capability-statement-kind
 software ? TerminologyCapabilities.software
 implementation ? TerminologyCapabilities.implementation
 lockedDate ? boolean
 codeSystem * TerminologyCapabilities.codeSystem
 expansion ? TerminologyCapabilities.expansion
 codeSearch ? code #code-search-support
 validateCode ? TerminologyCapabilities.validateCode
 translation ? TerminologyCapabilities.translation
 closure ? TerminologyCapabilities.closure
TerminologyCapabilities.software BackboneElement
 name 1 string
 version ? string
TerminologyCapabilities.implementation BackboneElement
 description 1 string
 url ? url
TerminologyCapabilities.codeSystem BackboneElement
 uri ? canonical
 version * TerminologyCapabilities.codeSystem.version
 subsumption ? boolean
TerminologyCapabilities.codeSystem.version BackboneElement
 code ? string
 isDefault ? boolean
 compositional ? boolean
 language * code
 filter * TerminologyCapabilities.codeSystem.version.filter
 property * code
TerminologyCapabilities.codeSystem.version.filter BackboneElement
 code 1 code
 op + code
TerminologyCapabilities.expansion BackboneElement
 hierarchical ? boolean
 paging ? boolean
 incomplete ? boolean
 parameter * TerminologyCapabilities.expansion.parameter
 textFilter ? markdown
TerminologyCapabilities.expansion.parameter BackboneElement
 name 1 code
 documentation ? string
TerminologyCapabilities.validateCode BackboneElement
 translations 1 boolean
TerminologyCapabilities.translation BackboneElement
 needsMap 1 boolean
TerminologyCapabilities.closure BackboneElement
 translation ? boolean
TestReport DomainResource
 identifier ? Identifier
 name ? string
 status 1 code #report-status-codes
 testScript 1 Reference(TestScript)
 result 1 code #report-result-codes
 score ? decimal
 tester ? string
 issued ? dateTime
 participant * TestReport.participant
 setup ? TestReport.setup
 test * TestReport.test
 teardown ? TestReport.teardown
TestReport.participant BackboneElement
 type 1 code #report-participant-type
 uri 1 uri
 display ? string
TestReport.setup BackboneElement
 action + TestReport.setup.action
TestReport.setup.action BackboneElement
 operation ? TestReport.setup.action.operation
 assert ? TestReport.setup.action.assert
TestReport.setup.action.operation BackboneElement
 result 1 code #report-action-result-codes
 message ? markdown
 detail ? uri
TestReport.setup.action.assert BackboneElement
 result 1 code #report-action-result-codes
 message ? markdown
 detail ? string
TestReport.test BackboneElement
 name ? string
 description ? string
 action + TestReport.test.action
TestReport.test.action BackboneElement
 operation ? TestReport.setup.action.operation
 assert ? TestReport.setup.action.assert
TestReport.teardown BackboneElement
 action + TestReport.teardown.action
TestReport.teardown.action BackboneElement
 operation 1 TestReport.setup.action.operation
TestScript DomainResource
 url 1 uri
 identifier ? Identifier
 version ? string
 name 1 string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 purpose ? markdown
 copyright ? markdown
 origin * TestScript.origin
 destination * TestScript.destination
 metadata ? TestScript.metadata
 fixture * TestScript.fixture
 profile * Reference
 variable * TestScript.variable
 setup ? TestScript.setup
 test * TestScript.test
 teardown ? TestScript.teardown
TestScript.origin BackboneElement
 index 1 integer
 profile 1 Coding
TestScript.destination BackboneElement
 index 1 integer
 profile 1 Coding
TestScript.metadata BackboneElement
 link * TestScript.metadata.link
 capability + TestScript.metadata.capability
TestScript.metadata.link BackboneElement
 url 1 uri
 description ? string
TestScript.metadata.capability BackboneElement
 required 1 boolean
 validated 1 boolean
 description ? string
 origin * integer
 destination ? integer
 link * uri
 capabilities 1 canonical
TestScript.fixture BackboneElement
 autocreate 1 boolean
 autodelete 1 boolean
 resource ? Reference
TestScript.variable BackboneElement
 name 1 string
 defaultValue ? string
 description ? string
 expression ? string
 headerField ? string
 hint ? string
 path ? string
 sourceId ? id
TestScript.setup BackboneElement
 action + TestScript.setup.action
TestScript.setup.action BackboneElement
 operation ? TestScript.setup.action.operation
 assert ? TestScript.setup.action.assert
TestScript.setup.action.operation BackboneElement
 type ? Coding
 resource ? code #defined-types
 label ? string
 description ? string
 accept ? code
 contentType ? code
 destination ? integer
 encodeRequestUrl 1 boolean
 method ? code #http-operations
 origin ? integer
 params ? string
 requestHeader * TestScript.setup.action.operation.requestHeader
 requestId ? id
 responseId ? id
 sourceId ? id
 targetId ? id
 url ? string
TestScript.setup.action.operation.requestHeader BackboneElement
 field 1 string
 value 1 string
TestScript.setup.action.assert BackboneElement
 label ? string
 description ? string
 direction ? code #assert-direction-codes
 compareToSourceId ? string
 compareToSourceExpression ? string
 compareToSourcePath ? string
 contentType ? code
 expression ? string
 headerField ? string
 minimumId ? string
 navigationLinks ? boolean
 operator ? code #assert-operator-codes
 path ? string
 requestMethod ? code #http-operations
 requestURL ? string
 resource ? code #defined-types
 response ? code #assert-response-code-types
 responseCode ? string
 sourceId ? id
 validateProfileId ? id
 value ? string
 warningOnly 1 boolean
TestScript.test BackboneElement
 name ? string
 description ? string
 action + TestScript.test.action
TestScript.test.action BackboneElement
 operation ? TestScript.setup.action.operation
 assert ? TestScript.setup.action.assert
TestScript.teardown BackboneElement
 action + TestScript.teardown.action
TestScript.teardown.action BackboneElement
 operation 1 TestScript.setup.action.operation
Timing BackboneElement
 event * dateTime
 repeat ? Timing.repeat
 code ? CodeableConcept
Timing.repeat Element
 bounds[x] ? Duration|Range|Period
 count ? positiveInt
 countMax ? positiveInt
 duration ? decimal
 durationMax ? decimal
 durationUnit ? code #units-of-time
 frequency ? positiveInt
 frequencyMax ? positiveInt
 period ? decimal
 periodMax ? decimal
 periodUnit ? code #units-of-time
 dayOfWeek * code #days-of-week
 timeOfDay * time
 when * code #event-timing
 offset ? unsignedInt
TriggerDefinition Element
 type 1 code #trigger-type
 name ? string
 timing[x] ? Timing|Reference(Schedule)|date|dateTime
 data * DataRequirement
 condition ? Expression
UsageContext Element
 code 1 Coding
 value[x] 1 CodeableConcept|Quantity|Range|Reference(PlanDefinition,ResearchStudy,InsurancePlan,HealthcareService,Group,Location,Organization)
ValueSet DomainResource
 url ? uri
 identifier * Identifier
 version ? string
 name ? string
 title ? string
 status 1 code #publication-status
 experimental ? boolean
 date ? dateTime
 publisher ? string
 contact * ContactDetail
 description ? markdown
 useContext * UsageContext
 jurisdiction * CodeableConcept
 immutable ? boolean
 purpose ? markdown
 copyright ? markdown
 compose ? ValueSet.compose
 expansion ? ValueSet.expansion
ValueSet.compose BackboneElement
 lockedDate ? date
 inactive ? boolean
 include + ValueSet.compose.include
 exclude * ValueSet.compose.include
ValueSet.compose.include BackboneElement
 system ? uri
 version ? string
 concept * ValueSet.compose.include.concept
 filter * ValueSet.compose.include.filter
 valueSet * canonical
ValueSet.compose.include.concept BackboneElement
 code 1 code
 display ? string
 designation * ValueSet.compose.include.concept.designation
ValueSet.compose.include.concept.designation BackboneElement
 language ? code
 use ? Coding
 value 1 string
ValueSet.compose.include.filter BackboneElement
 property 1 code
 op 1 code #filter-operator
 value 1 string
ValueSet.expansion BackboneElement
 identifier ? uri
 timestamp 1 dateTime
 total ? integer
 offset ? integer
 parameter * ValueSet.expansion.parameter
 contains * ValueSet.expansion.contains
ValueSet.expansion.parameter BackboneElement
 name 1 string
 value[x] ? string|boolean|integer|decimal|uri|code|dateTime
ValueSet.expansion.contains BackboneElement
 system ? uri
 abstract ? boolean
 inactive ? boolean
 version ? string
 code ? code
 display ? string
 designation * ValueSet.compose.include.concept.designation
 contains * ValueSet.expansion.contains
VerificationResult DomainResource
 target * Reference
 targetLocation * string
 need ? CodeableConcept
 status 1 code #verificationresult-status
 statusDate ? dateTime
 validationType ? CodeableConcept
 validationProcess * CodeableConcept
 frequency ? Timing
 lastPerformed ? dateTime
 nextScheduled ? date
 failureAction ? CodeableConcept
 primarySource * VerificationResult.primarySource
 attestation ? VerificationResult.attestation
 validator * VerificationResult.validator
VerificationResult.primarySource BackboneElement
 who ? Reference(Organization,Practitioner,PractitionerRole)
 type * CodeableConcept
 communicationMethod * CodeableConcept
 validationStatus ? CodeableConcept
 validationDate ? dateTime
 canPushUpdates ? CodeableConcept
 pushTypeAvailable * CodeableConcept
VerificationResult.attestation BackboneElement
 who ? Reference(Practitioner,PractitionerRole,Organization)
 onBehalfOf ? Reference(Organization,Practitioner,PractitionerRole)
 communicationMethod ? CodeableConcept
 date ? date
 sourceIdentityCertificate ? string
 proxyIdentityCertificate ? string
 proxySignature ? Signature
 sourceSignature ? Signature
VerificationResult.validator BackboneElement
 organization 1 Reference(Organization)
 identityCertificate ? string
 attestationSignature ? Signature
VisionPrescription DomainResource
 identifier * Identifier
 status 1 code #fm-status
 created 1 dateTime
 patient 1 Reference(Patient)
 encounter ? Reference(Encounter)
 dateWritten 1 dateTime
 prescriber 1 Reference(Practitioner,PractitionerRole)
 lensSpecification + VisionPrescription.lensSpecification
VisionPrescription.lensSpecification BackboneElement
 product 1 CodeableConcept
 eye 1 code #vision-eye-codes
 sphere ? decimal
 cylinder ? decimal
 axis ? integer
 prism * VisionPrescription.lensSpecification.prism
 add ? decimal
 power ? decimal
 backCurve ? decimal
 diameter ? decimal
 duration ? SimpleQuantity
 color ? string
 brand ? string
 note * Annotation
VisionPrescription.lensSpecification.prism BackboneElement
 amount 1 decimal
 base 1 code #vision-base-codes
`;

/** Of each of these value sets its name, then its systems, each before its codes. */
export const CODES = `
FHIR-version http://hl7.org/fhir/FHIR-version 0.01 0.05 0.06 0.11 0.0.80 0.0.81 0.0.82 0.4.0 0.5.0 1.0.0 1.0.1 1.0.2 1.1.0 1.4.0 1.6.0 1.8.0 3.0.0 3.0.1 3.3.0 3.5.0 4.0.0 4.0.1
account-status http://hl7.org/fhir/account-status active inactive entered-in-error on-hold unknown
action-cardinality-behavior http://hl7.org/fhir/action-cardinality-behavior single multiple
action-condition-kind http://hl7.org/fhir/action-condition-kind applicability start stop
action-grouping-behavior http://hl7.org/fhir/action-grouping-behavior visual-group logical-group sentence-group
action-participant-type http://hl7.org/fhir/action-participant-type patient practitioner related-person device
action-precheck-behavior http://hl7.org/fhir/action-precheck-behavior yes no
action-relationship-type http://hl7.org/fhir/action-relationship-type before-start before before-end concurrent-with-start concurrent concurrent-with-end after-start after after-end
action-required-behavior http://hl7.org/fhir/action-required-behavior must could must-unless-documented
action-selection-behavior http://hl7.org/fhir/action-selection-behavior any all all-or-none exactly-one at-most-one one-or-more
address-type http://hl7.org/fhir/address-type postal physical both
address-use http://hl7.org/fhir/address-use home work temp old billing
administrative-gender http://hl7.org/fhir/administrative-gender male female other unknown
adverse-event-actuality http://hl7.org/fhir/adverse-event-actuality actual potential
adverse-event-outcome http://terminology.hl7.org/CodeSystem/adverse-event-outcome resolved recovering ongoing resolvedWithSequelae fatal unknown
adverse-event-severity http://terminology.hl7.org/CodeSystem/adverse-event-severity mild moderate severe
all-types http://hl7.org/fhir/data-types Address Age Annotation Attachment BackboneElement CodeableConcept Coding ContactDetail ContactPoint Contributor Count DataRequirement Distance Dosage Duration Element ElementDefinition Expression Extension HumanName Identifier MarketingStatus Meta Money MoneyQuantity Narrative ParameterDefinition Period Population ProdCharacteristic ProductShelfLife Quantity Range Ratio Reference RelatedArtifact SampledData Signature SimpleQuantity SubstanceAmount Timing TriggerDefinition UsageContext base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid positiveInt string time unsignedInt uri url uuid xhtml http://hl7.org/fhir/resource-types Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference DomainResource EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject Resource RiskAssessment RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription http://hl7.org/fhir/abstract-types Type Any
allergy-intolerance-category http://hl7.org/fhir/allergy-intolerance-category food medication environment biologic
allergy-intolerance-criticality http://hl7.org/fhir/allergy-intolerance-criticality low high unable-to-assess
allergy-intolerance-type http://hl7.org/fhir/allergy-intolerance-type allergy intolerance
allergyintolerance-clinical http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical active inactive resolved
allergyintolerance-verification http://terminology.hl7.org/CodeSystem/allergyintolerance-verification unconfirmed confirmed refuted entered-in-error
appointmentstatus http://hl7.org/fhir/appointmentstatus proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist
assert-direction-codes http://hl7.org/fhir/assert-direction-codes response request
assert-operator-codes http://hl7.org/fhir/assert-operator-codes equals notEquals in notIn greaterThan lessThan empty notEmpty contains notContains eval
assert-response-code-types http://hl7.org/fhir/assert-response-code-types okay created noContent notModified bad forbidden notFound methodNotAllowed conflict gone preconditionFailed unprocessable
audit-event-action http://hl7.org/fhir/audit-event-action C R U D E
audit-event-outcome http://hl7.org/fhir/audit-event-outcome 0 4 8 12
binding-strength http://hl7.org/fhir/binding-strength required extensible preferred example
bundle-type http://hl7.org/fhir/bundle-type document message transaction transaction-response batch batch-response history searchset collection
capability-statement-kind http://hl7.org/fhir/capability-statement-kind instance capability requirements
care-plan-activity-kind http://hl7.org/fhir/resource-types Appointment CommunicationRequest DeviceRequest MedicationRequest NutritionOrder Task ServiceRequest VisionPrescription
care-plan-activity-status http://hl7.org/fhir/care-plan-activity-status not-started scheduled in-progress on-hold completed cancelled stopped unknown entered-in-error
care-plan-intent http://hl7.org/fhir/request-intent proposal plan order option
care-team-status http://hl7.org/fhir/care-team-status proposed active suspended inactive entered-in-error
chargeitem-status http://hl7.org/fhir/chargeitem-status planned billable not-billable aborted billed entered-in-error unknown
claim-use http://hl7.org/fhir/claim-use claim preauthorization predetermination
clinicalimpression-status http://hl7.org/fhir/event-status in-progress completed entered-in-error
code-search-support http://hl7.org/fhir/code-search-support explicit all
codesystem-content-mode http://hl7.org/fhir/codesystem-content-mode not-present example fragment complete supplement
codesystem-hierarchy-meaning http://hl7.org/fhir/codesystem-hierarchy-meaning grouped-by is-a part-of classified-with
compartment-type http://hl7.org/fhir/compartment-type Patient Encounter RelatedPerson Practitioner Device
composition-attestation-mode http://hl7.org/fhir/composition-attestation-mode personal professional legal official
composition-status http://hl7.org/fhir/composition-status preliminary final amended entered-in-error
concept-map-equivalence http://hl7.org/fhir/concept-map-equivalence relatedto equivalent equal wider subsumes narrower specializes inexact unmatched disjoint
concept-property-type http://hl7.org/fhir/concept-property-type code Coding string integer boolean dateTime decimal
conceptmap-unmapped-mode http://hl7.org/fhir/conceptmap-unmapped-mode provided fixed other-map
condition-clinical http://terminology.hl7.org/CodeSystem/condition-clinical active recurrence relapse inactive remission resolved
condition-ver-status http://terminology.hl7.org/CodeSystem/condition-ver-status unconfirmed provisional differential confirmed refuted entered-in-error
conditional-delete-status http://hl7.org/fhir/conditional-delete-status not-supported single multiple
conditional-read-status http://hl7.org/fhir/conditional-read-status not-supported modified-since not-match full-support
consent-data-meaning http://hl7.org/fhir/consent-data-meaning instance related dependents authoredby
consent-provision-type http://hl7.org/fhir/consent-provision-type deny permit
consent-state-codes http://hl7.org/fhir/consent-state-codes draft proposed active rejected inactive entered-in-error
constraint-severity http://hl7.org/fhir/constraint-severity error warning
contact-point-system http://hl7.org/fhir/contact-point-system phone fax email pager url sms other
contact-point-use http://hl7.org/fhir/contact-point-use home work temp old mobile
contract-publicationstatus http://hl7.org/fhir/contract-publicationstatus amended appended cancelled disputed entered-in-error executable executed negotiable offered policy rejected renewed revoked resolved terminated
contract-status http://hl7.org/fhir/contract-status amended appended cancelled disputed entered-in-error executable executed negotiable offered policy rejected renewed revoked resolved terminated
contributor-type http://hl7.org/fhir/contributor-type author editor reviewer endorser
days-of-week http://hl7.org/fhir/days-of-week mon tue wed thu fri sat sun
defined-types http://hl7.org/fhir/data-types Address Age Annotation Attachment BackboneElement CodeableConcept Coding ContactDetail ContactPoint Contributor Count DataRequirement Distance Dosage Duration Element ElementDefinition Expression Extension HumanName Identifier MarketingStatus Meta Money MoneyQuantity Narrative ParameterDefinition Period Population ProdCharacteristic ProductShelfLife Quantity Range Ratio Reference RelatedArtifact SampledData Signature SimpleQuantity SubstanceAmount Timing TriggerDefinition UsageContext base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid positiveInt string time unsignedInt uri url uuid xhtml http://hl7.org/fhir/resource-types Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference DomainResource EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject Resource RiskAssessment RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
detectedissue-severity http://hl7.org/fhir/detectedissue-severity high moderate low
device-nametype http://hl7.org/fhir/device-nametype udi-label-name user-friendly-name patient-reported-name manufacturer-name model-name other
device-statement-status http://hl7.org/fhir/device-statement-status active completed entered-in-error intended stopped on-hold
device-status http://hl7.org/fhir/device-status active inactive entered-in-error unknown
diagnostic-report-status http://hl7.org/fhir/diagnostic-report-status registered partial preliminary final amended corrected appended cancelled entered-in-error unknown
discriminator-type http://hl7.org/fhir/discriminator-type value exists pattern type profile
document-mode http://hl7.org/fhir/document-mode producer consumer
document-reference-status http://hl7.org/fhir/document-reference-status current superseded entered-in-error
document-relationship-type http://hl7.org/fhir/document-relationship-type replaces transforms signs appends
eligibilityrequest-purpose http://hl7.org/fhir/eligibilityrequest-purpose auth-requirements benefits discovery validation
eligibilityresponse-purpose http://hl7.org/fhir/eligibilityresponse-purpose auth-requirements benefits discovery validation
encounter-location-status http://hl7.org/fhir/encounter-location-status planned active reserved completed
encounter-status http://hl7.org/fhir/encounter-status planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown
endpoint-status http://hl7.org/fhir/endpoint-status active suspended error off entered-in-error test
episode-of-care-status http://hl7.org/fhir/episode-of-care-status planned waitlist active onhold finished cancelled entered-in-error
event-capability-mode http://hl7.org/fhir/event-capability-mode sender receiver
event-status http://hl7.org/fhir/event-status preparation in-progress not-done on-hold stopped completed entered-in-error unknown
event-timing http://hl7.org/fhir/event-timing MORN MORN.early MORN.late NOON AFT AFT.early AFT.late EVE EVE.early EVE.late NIGHT PHS http://terminology.hl7.org/CodeSystem/v3-TimingEvent HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV
examplescenario-actor-type http://hl7.org/fhir/examplescenario-actor-type person entity
explanationofbenefit-status http://hl7.org/fhir/explanationofbenefit-status active cancelled draft entered-in-error
exposure-state http://hl7.org/fhir/exposure-state exposure exposure-alternative
extension-context-type http://hl7.org/fhir/extension-context-type fhirpath element extension
filter-operator http://hl7.org/fhir/filter-operator = is-a descendent-of is-not-a regex in not-in generalizes exists
flag-status http://hl7.org/fhir/flag-status active inactive entered-in-error
fm-status http://hl7.org/fhir/fm-status active cancelled draft entered-in-error
goal-status http://hl7.org/fhir/goal-status proposed planned accepted active on-hold completed cancelled entered-in-error rejected
graph-compartment-rule http://hl7.org/fhir/graph-compartment-rule identical matching different custom
graph-compartment-use http://hl7.org/fhir/graph-compartment-use condition requirement
group-measure http://hl7.org/fhir/group-measure mean median mean-of-mean mean-of-median median-of-mean median-of-median
group-type http://hl7.org/fhir/group-type person animal practitioner device medication substance
guidance-response-status http://hl7.org/fhir/guidance-response-status success data-requested data-required in-progress failure entered-in-error
guide-page-generation http://hl7.org/fhir/guide-page-generation html markdown xml generated
guide-parameter-code http://hl7.org/fhir/guide-parameter-code apply path-resource path-pages path-tx-cache expansion-parameter rule-broken-links generate-xml generate-json generate-turtle html-template
history-status http://hl7.org/fhir/history-status partial completed entered-in-error health-unknown
http-operations http://hl7.org/fhir/http-operations delete get options patch post put head
http-verb http://hl7.org/fhir/http-verb GET HEAD POST PUT DELETE PATCH
identifier-use http://hl7.org/fhir/identifier-use usual official temp secondary old
identity-assuranceLevel http://hl7.org/fhir/identity-assuranceLevel level1 level2 level3 level4
imagingstudy-status http://hl7.org/fhir/imagingstudy-status registered available cancelled entered-in-error unknown
immunization-evaluation-status http://terminology.hl7.org/CodeSystem/medication-admin-status completed entered-in-error
immunization-status http://hl7.org/fhir/event-status completed entered-in-error not-done
insuranceplan-applicability http://terminology.hl7.org/CodeSystem/applicability in-network out-of-network other
invoice-priceComponentType http://hl7.org/fhir/invoice-priceComponentType base surcharge deduction discount tax informational
invoice-status http://hl7.org/fhir/invoice-status draft issued balanced cancelled entered-in-error
issue-severity http://hl7.org/fhir/issue-severity fatal error warning information
issue-type http://hl7.org/fhir/issue-type invalid structure required value invariant security login unknown expired forbidden suppressed processing not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational
item-type http://hl7.org/fhir/item-type group display question boolean decimal integer date dateTime time string text url choice open-choice attachment reference quantity
link-type http://hl7.org/fhir/link-type replaced-by replaces refer seealso
linkage-type http://hl7.org/fhir/linkage-type source alternate historical
list-mode http://hl7.org/fhir/list-mode working snapshot changes
list-status http://hl7.org/fhir/list-status current retired entered-in-error
location-mode http://hl7.org/fhir/location-mode instance kind
location-status http://hl7.org/fhir/location-status active suspended inactive
map-context-type http://hl7.org/fhir/map-context-type type variable
map-group-type-mode http://hl7.org/fhir/map-group-type-mode none types type-and-types
map-input-mode http://hl7.org/fhir/map-input-mode source target
map-model-mode http://hl7.org/fhir/map-model-mode source queried target produced
map-source-list-mode http://hl7.org/fhir/map-source-list-mode first not_first last not_last only_one
map-target-list-mode http://hl7.org/fhir/map-target-list-mode first share last collate
map-transform http://hl7.org/fhir/map-transform create copy truncate escape cast append translate reference dateOp uuid pointer evaluate cc c qty id cp
measure-improvement-notation http://terminology.hl7.org/CodeSystem/measure-improvement-notation increase decrease
measure-report-status http://hl7.org/fhir/measure-report-status complete pending error
measure-report-type http://hl7.org/fhir/measure-report-type individual subject-list summary data-collection
medication-admin-status http://terminology.hl7.org/CodeSystem/medication-admin-status in-progress not-done on-hold completed entered-in-error stopped unknown
medication-statement-status http://hl7.org/fhir/CodeSystem/medication-statement-status active completed entered-in-error intended stopped on-hold unknown not-taken
medication-status http://hl7.org/fhir/CodeSystem/medication-status active inactive entered-in-error
medicationdispense-status http://terminology.hl7.org/CodeSystem/medicationdispense-status preparation in-progress cancelled on-hold completed entered-in-error stopped declined unknown
medicationknowledge-status http://terminology.hl7.org/CodeSystem/medicationknowledge-status active inactive entered-in-error
medicationrequest-intent http://hl7.org/fhir/CodeSystem/medicationrequest-intent proposal plan order original-order reflex-order filler-order instance-order option
medicationrequest-status http://hl7.org/fhir/CodeSystem/medicationrequest-status active on-hold cancelled completed entered-in-error stopped draft unknown
message-significance-category http://hl7.org/fhir/message-significance-category consequence currency notification
messageheader-response-request http://hl7.org/fhir/messageheader-response-request always on-error never on-success
metric-calibration-state http://hl7.org/fhir/metric-calibration-state not-calibrated calibration-required calibrated unspecified
metric-calibration-type http://hl7.org/fhir/metric-calibration-type unspecified offset gain two-point
metric-category http://hl7.org/fhir/metric-category measurement setting calculation unspecified
metric-color http://hl7.org/fhir/metric-color black red green yellow blue magenta cyan white
metric-operational-status http://hl7.org/fhir/metric-operational-status on off standby entered-in-error
name-use http://hl7.org/fhir/name-use usual official temp nickname anonymous old maiden
namingsystem-identifier-type http://hl7.org/fhir/namingsystem-identifier-type oid uuid uri other
namingsystem-type http://hl7.org/fhir/namingsystem-type codesystem identifier root
narrative-status http://hl7.org/fhir/narrative-status generated extensions additional empty
network-type http://hl7.org/fhir/network-type 1 2 3 4 5
note-type http://hl7.org/fhir/note-type display print printoper
observation-range-category http://hl7.org/fhir/observation-range-category reference critical absolute
observation-status http://hl7.org/fhir/observation-status registered preliminary final amended corrected cancelled entered-in-error unknown
operation-kind http://hl7.org/fhir/operation-kind operation query
operation-parameter-use http://hl7.org/fhir/operation-parameter-use in out
orientation-type http://hl7.org/fhir/orientation-type sense antisense
participantrequired http://hl7.org/fhir/participantrequired required optional information-only
participationstatus http://hl7.org/fhir/participationstatus accepted declined tentative needs-action
permitted-data-type http://hl7.org/fhir/permitted-data-type Quantity CodeableConcept string boolean integer Range Ratio SampledData time dateTime Period
product-category http://hl7.org/fhir/product-category organ tissue fluid cells biologicalAgent
product-status http://hl7.org/fhir/product-status available unavailable
product-storage-scale http://hl7.org/fhir/product-storage-scale farenheit celsius kelvin
property-representation http://hl7.org/fhir/property-representation xmlAttr xmlText typeAttr cdaText xhtml
provenance-entity-role http://hl7.org/fhir/provenance-entity-role derivation revision quotation source removal
publication-status http://hl7.org/fhir/publication-status draft active retired unknown
quality-type http://hl7.org/fhir/quality-type indel snp unknown
quantity-comparator http://hl7.org/fhir/quantity-comparator < <= >= >
questionnaire-answers-status http://hl7.org/fhir/questionnaire-answers-status in-progress completed amended entered-in-error stopped
questionnaire-enable-behavior http://hl7.org/fhir/questionnaire-enable-behavior all any
questionnaire-enable-operator http://hl7.org/fhir/questionnaire-enable-operator exists = != > < >= <=
reaction-event-severity http://hl7.org/fhir/reaction-event-severity mild moderate severe
reference-handling-policy http://hl7.org/fhir/reference-handling-policy literal logical resolves enforced local
reference-version-rules http://hl7.org/fhir/reference-version-rules either independent specific
related-artifact-type http://hl7.org/fhir/related-artifact-type documentation justification citation predecessor successor derived-from depends-on composed-of
relation-type http://hl7.org/fhir/relation-type triggers is-replaced-by
remittance-outcome http://hl7.org/fhir/remittance-outcome queued complete error partial
report-action-result-codes http://hl7.org/fhir/report-action-result-codes pass skip fail warning error
report-participant-type http://hl7.org/fhir/report-participant-type test-engine client server
report-result-codes http://hl7.org/fhir/report-result-codes pass fail pending
report-status-codes http://hl7.org/fhir/report-status-codes completed in-progress waiting stopped entered-in-error
repository-type http://hl7.org/fhir/repository-type directlink openapi login oauth other
request-intent http://hl7.org/fhir/request-intent proposal plan directive order original-order reflex-order filler-order instance-order option
request-priority http://hl7.org/fhir/request-priority routine urgent asap stat
request-resource-types http://hl7.org/fhir/request-resource-types Appointment AppointmentResponse CarePlan Claim CommunicationRequest Contract DeviceRequest EnrollmentRequest ImmunizationRecommendation MedicationRequest NutritionOrder ServiceRequest SupplyRequest Task VisionPrescription
request-status http://hl7.org/fhir/request-status draft active on-hold revoked completed entered-in-error unknown
research-element-type http://hl7.org/fhir/research-element-type population exposure outcome
research-study-status http://hl7.org/fhir/research-study-status active administratively-completed approved closed-to-accrual closed-to-accrual-and-intervention completed disapproved in-review temporarily-closed-to-accrual temporarily-closed-to-accrual-and-intervention withdrawn
research-subject-status http://hl7.org/fhir/research-subject-status candidate eligible follow-up ineligible not-registered off-study on-study on-study-intervention on-study-observation pending-on-study potential-candidate screening withdrawn
resource-aggregation-mode http://hl7.org/fhir/resource-aggregation-mode contained referenced bundled
resource-slicing-rules http://hl7.org/fhir/resource-slicing-rules closed open openAtEnd
resource-types http://hl7.org/fhir/resource-types Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference DomainResource EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject Resource RiskAssessment RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
response-code http://hl7.org/fhir/response-code ok transient-error fatal-error
restful-capability-mode http://hl7.org/fhir/restful-capability-mode client server
search-comparator http://hl7.org/fhir/search-comparator eq ne gt lt ge le sa eb ap
search-entry-mode http://hl7.org/fhir/search-entry-mode match include outcome
search-modifier-code http://hl7.org/fhir/search-modifier-code missing exact contains not text in not-in below above type identifier ofType
search-param-type http://hl7.org/fhir/search-param-type number date string token reference composite quantity uri special
search-xpath-usage http://hl7.org/fhir/search-xpath-usage normal phonetic nearby distance other
sequence-type http://hl7.org/fhir/sequence-type aa dna rna
slotstatus http://hl7.org/fhir/slotstatus busy free busy-unavailable busy-tentative entered-in-error
sort-direction http://hl7.org/fhir/sort-direction ascending descending
spdx-license http://hl7.org/fhir/spdx-license not-open-source 0BSD AAL Abstyles Adobe-2006 Adobe-Glyph ADSL AFL-1.1 AFL-1.2 AFL-2.0 AFL-2.1 AFL-3.0 Afmparse AGPL-1.0-only AGPL-1.0-or-later AGPL-3.0-only AGPL-3.0-or-later Aladdin AMDPLPA AML AMPAS ANTLR-PD Apache-1.0 Apache-1.1 Apache-2.0 APAFML APL-1.0 APSL-1.0 APSL-1.1 APSL-1.2 APSL-2.0 Artistic-1.0-cl8 Artistic-1.0-Perl Artistic-1.0 Artistic-2.0 Bahyph Barr Beerware BitTorrent-1.0 BitTorrent-1.1 Borceux BSD-1-Clause BSD-2-Clause-FreeBSD BSD-2-Clause-NetBSD BSD-2-Clause-Patent BSD-2-Clause BSD-3-Clause-Attribution BSD-3-Clause-Clear BSD-3-Clause-LBNL BSD-3-Clause-No-Nuclear-License-2014 BSD-3-Clause-No-Nuclear-License BSD-3-Clause-No-Nuclear-Warranty BSD-3-Clause BSD-4-Clause-UC BSD-4-Clause BSD-Protection BSD-Source-Code BSL-1.0 bzip2-1.0.5 bzip2-1.0.6 Caldera CATOSL-1.1 CC-BY-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-NC-1.0 CC-BY-NC-2.0 CC-BY-NC-2.5 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-1.0 CC-BY-NC-ND-2.0 CC-BY-NC-ND-2.5 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-1.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-2.5 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CC-BY-ND-1.0 CC-BY-ND-2.0 CC-BY-ND-2.5 CC-BY-ND-3.0 CC-BY-ND-4.0 CC-BY-SA-1.0 CC-BY-SA-2.0 CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CDLA-Permissive-1.0 CDLA-Sharing-1.0 CECILL-1.0 CECILL-1.1 CECILL-2.0 CECILL-2.1 CECILL-B CECILL-C ClArtistic CNRI-Jython CNRI-Python-GPL-Compatible CNRI-Python Condor-1.1 CPAL-1.0 CPL-1.0 CPOL-1.02 Crossword CrystalStacker CUA-OPL-1.0 Cube curl D-FSL-1.0 diffmark DOC Dotseqn DSDP dvipdfm ECL-1.0 ECL-2.0 EFL-1.0 EFL-2.0 eGenix Entessa EPL-1.0 EPL-2.0 ErlPL-1.1 EUDatagrid EUPL-1.0 EUPL-1.1 EUPL-1.2 Eurosym Fair Frameworx-1.0 FreeImage FSFAP FSFUL FSFULLR FTL GFDL-1.1-only GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later Giftware GL2PS Glide Glulxe gnuplot GPL-1.0-only GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later gSOAP-1.3b HaskellReport HPND IBM-pibs ICU IJG ImageMagick iMatix Imlib2 Info-ZIP Intel-ACPI Intel Interbase-1.0 IPA IPL-1.0 ISC JasPer-2.0 JSON LAL-1.2 LAL-1.3 Latex2e Leptonica LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later LGPLLR Libpng libtiff LiLiQ-P-1.1 LiLiQ-R-1.1 LiLiQ-Rplus-1.1 Linux-OpenIB LPL-1.0 LPL-1.02 LPPL-1.0 LPPL-1.1 LPPL-1.2 LPPL-1.3a LPPL-1.3c MakeIndex MirOS MIT-0 MIT-advertising MIT-CMU MIT-enna MIT-feh MIT MITNFA Motosoto mpich2 MPL-1.0 MPL-1.1 MPL-2.0-no-copyleft-exception MPL-2.0 MS-PL MS-RL MTLL Multics Mup NASA-1.3 Naumen NBPL-1.0 NCSA Net-SNMP NetCDF Newsletr NGPL NLOD-1.0 NLPL Nokia NOSL Noweb NPL-1.0 NPL-1.1 NPOSL-3.0 NRL NTP OCCT-PL OCLC-2.0 ODbL-1.0 OFL-1.0 OFL-1.1 OGTSL OLDAP-1.1 OLDAP-1.2 OLDAP-1.3 OLDAP-1.4 OLDAP-2.0.1 OLDAP-2.0 OLDAP-2.1 OLDAP-2.2.1 OLDAP-2.2.2 OLDAP-2.2 OLDAP-2.3 OLDAP-2.4 OLDAP-2.5 OLDAP-2.6 OLDAP-2.7 OLDAP-2.8 OML OpenSSL OPL-1.0 OSET-PL-2.1 OSL-1.0 OSL-1.1 OSL-2.0 OSL-2.1 OSL-3.0 PDDL-1.0 PHP-3.0 PHP-3.01 Plexus PostgreSQL psfrag psutils Python-2.0 Qhull QPL-1.0 Rdisc RHeCos-1.1 RPL-1.1 RPL-1.5 RPSL-1.0 RSA-MD RSCPL Ruby SAX-PD Saxpath SCEA Sendmail SGI-B-1.0 SGI-B-1.1 SGI-B-2.0 SimPL-2.0 SISSL-1.2 SISSL Sleepycat SMLNJ SMPPL SNIA Spencer-86 Spencer-94 Spencer-99 SPL-1.0 SugarCRM-1.1.3 SWL TCL TCP-wrappers TMate TORQUE-1.1 TOSL Unicode-DFS-2015 Unicode-DFS-2016 Unicode-TOU Unlicense UPL-1.0 Vim VOSTROM VSL-1.0 W3C-19980720 W3C-20150513 W3C Watcom-1.0 Wsuipa WTFPL X11 Xerox XFree86-1.1 xinetd Xnet xpp XSkat YPL-1.0 YPL-1.1 Zed Zend-2.0 Zimbra-1.3 Zimbra-1.4 zlib-acknowledgement Zlib ZPL-1.1 ZPL-2.0 ZPL-2.1
specimen-contained-preference http://hl7.org/fhir/specimen-contained-preference preferred alternate
specimen-status http://hl7.org/fhir/specimen-status available unavailable unsatisfactory entered-in-error
strand-type http://hl7.org/fhir/strand-type watson crick
structure-definition-kind http://hl7.org/fhir/structure-definition-kind primitive-type complex-type resource logical
subscription-channel-type http://hl7.org/fhir/subscription-channel-type rest-hook websocket email sms message
subscription-status http://hl7.org/fhir/subscription-status requested active error off
substance-status http://hl7.org/fhir/substance-status active inactive entered-in-error
supplydelivery-status http://hl7.org/fhir/supplydelivery-status in-progress completed abandoned entered-in-error
supplydelivery-type http://terminology.hl7.org/CodeSystem/supply-item-type medication device
supplyrequest-status http://hl7.org/fhir/supplyrequest-status draft active suspended cancelled completed entered-in-error unknown
system-restful-interaction http://hl7.org/fhir/restful-interaction transaction batch search-system history-system
task-intent http://hl7.org/fhir/task-intent unknown http://hl7.org/fhir/request-intent proposal plan order original-order reflex-order filler-order instance-order option
task-status http://hl7.org/fhir/task-status draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error
trigger-type http://hl7.org/fhir/trigger-type named-event periodic data-changed data-added data-modified data-removed data-accessed data-access-ended
type-derivation-rule http://hl7.org/fhir/type-derivation-rule specialization constraint
type-restful-interaction http://hl7.org/fhir/restful-interaction read vread update patch delete history-instance history-type create search-type
udi-entry-type http://hl7.org/fhir/udi-entry-type barcode rfid manual card self-reported unknown
units-of-time http://unitsofmeasure.org s min h d wk mo a
v3-ConfidentialityClassification http://terminology.hl7.org/CodeSystem/v3-Confidentiality U L M N R V
variable-type http://hl7.org/fhir/variable-type dichotomous continuous descriptive
verificationresult-status http://hl7.org/fhir/CodeSystem/status attested validated in-process req-revalid val-fail reval-fail
versioning-policy http://hl7.org/fhir/versioning-policy no-version versioned versioned-update
vision-base-codes http://hl7.org/fhir/vision-base-codes up down in out
vision-eye-codes http://hl7.org/fhir/vision-eye-codes right left
`;
