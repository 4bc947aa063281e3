"""Which attributes describe a patient and study, and which a series: what `includefield=all` asks for at these levels.

The modules of PS3.3 (2024c) by information entity; attributes of an item of a sequence go with their sequence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydicom.datadict import tag_for_keyword

from backend.dicomweb.attributes import Level

_STUDY: Final = """
    PatientName PatientID IssuerOfPatientID IssuerOfPatientIDQualifiersSequence TypeOfPatientID PatientBirthDate
    PatientBirthDateInAlternativeCalendar PatientDeathDateInAlternativeCalendar PatientAlternativeCalendar PatientSex
    PatientBirthTime OtherPatientNames OtherPatientIDsSequence EthnicGroup EthnicGroupCodeSequence
    PatientComments QualityControlSubject ReferencedPatientPhotoSequence PatientSpeciesDescription
    PatientSpeciesCodeSequence PatientBreedDescription PatientBreedCodeSequence StrainDescription StrainNomenclature
    StrainCodeSequence BreedRegistrationSequence ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization
    PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence SourcePatientGroupIdentificationSequence
    GroupOfPatientsIdentificationSequence LongitudinalTemporalInformationModified

    ClinicalTrialSponsorName ClinicalTrialProtocolID IssuerOfClinicalTrialProtocolID OtherClinicalTrialProtocolIDsSequence
    ClinicalTrialProtocolName ClinicalTrialSiteID IssuerOfClinicalTrialSiteID ClinicalTrialSiteName ClinicalTrialSubjectID
    IssuerOfClinicalTrialSubjectID ClinicalTrialSubjectReadingID IssuerOfClinicalTrialSubjectReadingID
    ClinicalTrialProtocolEthicsCommitteeName ClinicalTrialProtocolEthicsCommitteeApprovalNumber
    ClinicalTrialTimePointID IssuerOfClinicalTrialTimePointID ClinicalTrialTimePointDescription
    ClinicalTrialTimePointTypeCodeSequence LongitudinalTemporalOffsetFromEvent LongitudinalTemporalEventType
    ConsentForClinicalTrialUseSequence

    StudyInstanceUID StudyDate StudyTime TimezoneOffsetFromUTC AccessionNumber IssuerOfAccessionNumberSequence
    ReferringPhysicianName ReferringPhysicianIdentificationSequence ConsultingPhysicianName
    ConsultingPhysicianIdentificationSequence StudyID StudyDescription PhysiciansOfRecord
    PhysiciansOfRecordIdentificationSequence NameOfPhysiciansReadingStudy PhysiciansReadingStudyIdentificationSequence
    RequestingService RequestingServiceCodeSequence ReferencedStudySequence ProcedureCodeSequence
    ReasonForPerformedProcedureCodeSequence

    AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence PatientAge PatientSize PatientWeight PatientBodyMassIndex
    MeasuredAPDimension MeasuredLateralDimension PatientSizeCodeSequence MedicalAlerts Allergies SmokingStatus
    PregnancyStatus LastMenstrualDate PatientState Occupation AdditionalPatientHistory AdmissionID
    IssuerOfAdmissionIDSequence ServiceEpisodeID IssuerOfServiceEpisodeIDSequence ServiceEpisodeDescription
    PatientSexNeutered ReasonForVisit ReasonForVisitCodeSequence
"""
"""Patient, Clinical Trial Subject, Clinical Trial Study, General Study, Patient Study (C.7.1, C.7.2)."""

_SERIES: Final = """
    Modality SeriesInstanceUID SeriesNumber Laterality SeriesDate SeriesTime PerformingPhysicianName
    PerformingPhysicianIdentificationSequence ProtocolName SeriesDescription SeriesDescriptionCodeSequence OperatorsName
    OperatorIdentificationSequence ReferencedPerformedProcedureStepSequence RelatedSeriesSequence BodyPartExamined
    PatientPosition SmallestPixelValueInSeries LargestPixelValueInSeries RequestAttributesSequence
    PerformedProcedureStepID PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepEndDate
    PerformedProcedureStepEndTime PerformedProcedureStepDescription PerformedProtocolCodeSequence
    CommentsOnThePerformedProcedureStep AnatomicalOrientationType TreatmentSessionUID

    ClinicalTrialCoordinatingCenterName ClinicalTrialSeriesID IssuerOfClinicalTrialSeriesID ClinicalTrialSeriesDescription

    FrameOfReferenceUID PositionReferenceIndicator SynchronizationFrameOfReferenceUID SynchronizationTrigger
    TriggerSourceOrType SynchronizationChannel AcquisitionTimeSynchronized TimeSource TimeDistributionProtocol
    NTPSourceAddress

    Manufacturer InstitutionName InstitutionAddress StationName InstitutionalDepartmentName
    InstitutionalDepartmentTypeCodeSequence ManufacturerModelName ManufacturerDeviceClassUID DeviceSerialNumber
    SoftwareVersions GantryID UDISequence DeviceUID SpatialResolution DateOfManufacture DateOfInstallation
    DateOfLastCalibration TimeOfLastCalibration PixelPaddingValue
"""
"""General and Clinical Trial Series, Frame of Reference, Synchronization, General Equipment (C.7.3 to C.7.5)."""


def _tags(keywords: str) -> frozenset[str]:
    """The tags of keywords as DICOM JSON has them; KeyError for what is none."""
    found = {keyword: tag_for_keyword(keyword) for keyword in keywords.split()}
    if unknown := [keyword for keyword, tag in found.items() if tag is None]:
        raise KeyError(*unknown)
    return frozenset(f"{tag:08X}" for tag in found.values())


MODULE_TAGS: Final[Mapping[Level, frozenset[str]]] = {
    Level.STUDY: _tags(_STUDY),
    Level.SERIES: _tags(_STUDY) | _tags(_SERIES),
}
"""By level the tags that describe it and what it belongs to; an instance is described by its whole header."""
