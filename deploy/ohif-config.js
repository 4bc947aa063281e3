// OHIF 3.13 on the images of one project: put this file in the place of OHIF's app-config.js (docs/dicomweb.md).
const project = "PROJECT";

const root = `${window.location.origin}/dicom-web/${project}`;
window.config = {
  routerBasename: null,
  extensions: [],
  modes: [],
  showStudyList: true,
  maxNumberOfWebWorkers: 2,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  investigationalUseDialog: { option: "never" },
  defaultDataSourceName: "overread",
  customizationService: {
    // OHIF fails at a lesion that is a segment, not an outline; without a place it only leaves it out of the report's lesions.
    onBeforeSRAddMeasurement: {
      $set: ({ measurement }) => (measurement.coords.length ? measurement : { ...measurement, coords: [{}] }),
    },
  },
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "overread",
      configuration: {
        name: "overread",
        friendlyName: "Overread",
        qidoRoot: root,
        wadoRoot: root,
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        supportsReject: false,
        dicomUploadEnabled: false,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],
};
