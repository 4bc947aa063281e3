"""The option columns of PS3.15 Table E.1-1 (2025a): which attributes an option of the Basic Profile keeps or cleans.

The column of the Basic Profile itself is dicom-anonymizer's. The two columns of dates need no list: they are the attributes
of VR DA, DT and TM that stand in the table, without birth and GPS.
"""

from __future__ import annotations

from typing import Final

from pydicom.datadict import tag_for_keyword


def _tags(keywords: str) -> frozenset[int]:
    """Tags of keywords; KeyError for one that the dictionary lacks."""
    found = {keyword: tag_for_keyword(keyword) for keyword in keywords.split()}
    missing = [keyword for keyword, tag in found.items() if tag is None]
    if missing:
        raise KeyError(*missing)
    return frozenset(tag for tag in found.values() if tag is not None)


DESCRIPTORS: Final = _tags(
    """
    StudyDescription SeriesDescription AdmittingDiagnosesDescription PyramidDescription DerivationDescription
    IdentifyingComments MedicalAlerts Allergies Occupation AdditionalPatientHistory PatientComments
    ClinicalTrialTimePointDescription ClinicalTrialSeriesDescription ContrastBolusAgent ProtocolName
    AcquisitionFieldOfViewLabel AcquisitionDeviceProcessingDescription AcquisitionComments
    RespiratoryMotionCompensationTechniqueDescription MultienergyAcquisitionDescription DecompositionDescription
    AcquisitionProtocolDescription RequestedSeriesDescription ContributionDescription PyramidLabel ImageComments
    FrameComments ReasonForStudy RequestedProcedureDescription ReasonForVisit RequestedContrastAgent StudyComments
    DischargeDiagnosisDescription ServiceEpisodeDescription PatientState VisitComments WaveformFilterDescription
    FilterLookupTableDescription ScheduledProcedureStepDescription PerformedProcedureStepDescription
    CommentsOnThePerformedProcedureStep CommentsOnRadiationDose ContainerDescription SpecimenShortDescription
    SpecimenDetailedDescription ReasonForTheRequestedProcedure RequestedProcedureComments
    ReasonForTheImagingServiceRequest ImagingServiceRequestComments LongDeviceDescription AnnotationGroupLabel
    AnnotationGroupDescription SelectorLOValue SelectorLTValue SelectorSHValue SelectorSTValue SelectorUTValue
    LabelText PositionAcquisitionTemplateName PositionAcquisitionTemplateDescription StructureSetLabel
    StructureSetName StructureSetDescription ROIName ROIDescription ROIGenerationDescription ROIObservationLabel
    ROIObservationDescription RTPlanLabel RTPlanName RTPlanDescription TreatmentSites PrescriptionDescription
    DoseReferenceDescription FractionGroupDescription BeamDescription BolusDescription FixationDeviceDescription
    ShieldingDeviceDescription SetupTechniqueDescription CompensatorDescription TreatmentPositionGroupLabel
    RadiationDoseIdentificationLabel RadiationDoseInVivoMeasurementLabel RTToleranceSetLabel
    EquipmentFrameOfReferenceDescription RadiationGenerationModeLabel RadiationGenerationModeDescription
    TreatmentToleranceViolationDescription InterlockDescription InterlockOriginDescription
    PatientTreatmentPreparationProcedureParameterDescription PatientTreatmentPreparationMethodDescription
    PatientSetupPhotoDescription DisplacementReferenceLabel ReasonForOmissionDescription
    ConceptualVolumeCombinationDescription ConceptualVolumeDescription UserContentLabel UserContentLongLabel
    EntityLabel EntityName EntityDescription EntityLongLabel RTPrescriptionLabel RTTreatmentApproachLabel
    RTPhysicianIntentNarrative ReasonForSuperseding PriorTreatmentDoseDescription TreatmentSite
    TreatmentTechniqueNotes PrescriptionNotes FractionationNotes InterpretationText
    InterpretationDiagnosisDescription Impressions ResultsComments
    """
)
"""Clean Descriptors Option (113105), without its code sequences and binary notes: those go."""

PATIENT: Final = _tags(
    """
    PatientSex PatientAge PatientSize PatientWeight EthnicGroup SmokingStatus PregnancyStatus PatientSexNeutered
    """
)
"""Retain Patient Characteristics Option (113108), action K. What it would only clean (allergies, …) goes."""

DEVICE: Final = _tags(
    """
    StationName CalibrationTime CalibrationDate LensSpecification LensMake LensModel LensSerialNumber
    DeviceSerialNumber DeviceUID PlateID GeneratorID CassetteID GantryID UniqueDeviceIdentifier UDISequence
    ManufacturerDeviceClassUID DateOfLastCalibration TimeOfLastCalibration DateTimeOfLastCalibration
    CalibrationDateTime DateOfManufacture DateOfInstallation TransducerIdentificationSequence DetectorID
    DateOfLastDetectorCalibration TimeOfLastDetectorCalibration XRaySourceID XRayDetectorID XRayDetectorLabel
    ModifyingDeviceID ScheduledStudyLocation ScheduledStationName ScheduledProcedureStepLocation
    PerformedStationName ScheduledStationNameCodeSequence ScheduledStationGeographicLocationCodeSequence
    PerformedStationNameCodeSequence PerformedStationGeographicLocationCodeSequence DeviceDescription
    ModifyingSystem SourceSerialNumber TreatmentMachineName SourceManufacturer BeamHoldTransitionDateTime
    DeviceLabel ManufacturerDeviceIdentifier
    """
)
"""Retain Device Identity Option (113109), action K."""

INSTITUTION: Final = _tags(
    """
    InstitutionName InstitutionAddress InstitutionCodeSequence InstitutionalDepartmentName
    InstitutionalDepartmentTypeCodeSequence ClinicalTrialSiteID ClinicalTrialSiteName
    ClinicalTrialCoordinatingCenterName ClinicalTrialProtocolEthicsCommitteeName SourceOfPreviousValues
    """
)
"""Retain Institution Identity Option (113112), action K."""

TECHNIQUE: Final = _tags(
    """
AcquisitionDeviceProcessingCode AttenuationCorrectionMethod CodingSchemeVersion CollimatorGridName ContrastBolusRoute
ConvolutionKernel DetectorManufacturerName DetectorManufacturerModelName DimensionDescriptionLabel FilterType
GridAbsorbingMaterial GridSpacingMaterial ImagedNucleus LUTExplanation Manufacturer ManufacturerModelName
MaterialThickness ModalityLUTType PositionReferenceIndicator PulseSequenceName Radiopharmaceutical RadiopharmaceuticalRoute
ReceiveCoilName ReceiveCoilManufacturerName ReconstructionMethod RescaleType ScatterCorrectionMethod
SecondaryCaptureDeviceManufacturer SecondaryCaptureDeviceManufacturerModelName SecondaryCaptureDeviceSoftwareVersions
SequenceName SoftwareVersions StackID TransducerData TransmitCoilName TransmitCoilManufacturerName TypeOfFilters
WindowCenterWidthExplanation ResonantNucleus PostprocessingFunction
    """
)
"""Texts outside the table that say how an image was made, not of whom. All other texts outside the table go."""
