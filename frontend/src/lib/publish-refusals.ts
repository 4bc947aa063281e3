/** Why an export is not published, withdrawn or deleted: what the server writes → key below `server.publish`. */
export const PUBLISH_REFUSALS: [pattern: string, key: string][] = [
  ["Only an export of DICOM objects \\(SEG, SR, RTSTRUCT\\) can be published\\.", "notDicom"],
  ["Only a finished export whose file is still here can be published\\.", "notFinished"],
  ["Nothing of this export is published\\.", "nothing"],
  ["The archive is busy with this export; wait until it is done\\.", "busy"],
  ["Who (?:made|asked for) this export has no account any more\\.", "noAccount"],
  ["The file of this export is gone\\.", "fileGone"],
  ["The file of this export was removed meanwhile\\.", "fileRemoved"],
  ["An object of this export is of another study than its reading\\.", "otherStudy"],
  ["An image in the archive has the UID of an object of this export\\.", "imageUid"],
  ["Images in the archive have the series UID of an object of this export\\.", "seriesUid"],
  ["Its pixels are compressed\\.", "compressed"],
  ["Its pixels do not lie where its header says\\.", "misplaced"],
  ["This export is being written; cancel it first\\.", "beingWritten"],
  ["Objects of this export are published; withdraw them first\\.", "published"],
  ["Only who made an export may fetch, verify, publish, stop or delete it\\.", "notOwn"],
];
