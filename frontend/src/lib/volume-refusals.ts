/** Why volumes (NIfTI, NRRD, MetaImage) were not used: what the server writes → key below `server.volume`. */
const NUMBER = "([\\d,]+)";

export const VOLUME_REFUSALS: [pattern: string, key: string][] = [
  [`The file ends too early: ${NUMBER} bytes of voxels are due, ${NUMBER} are there\\.`, "endsEarly"],
  [`The file ends too early: ${NUMBER} bytes of voxels are due\\.`, "endsEarlyPacked"],
  ["The file ends too early: its packed voxels have no end\\.", "noEnd"],
  ["The file ends too early: its header is not whole\\.", "cutHeader"],
  [
    `It has ${NUMBER} dimensions \\((.+)\\), a series in time or several channels; a volume has three\\.`,
    "manyDimensions",
  ],
  [`Too big: (\\d+×\\d+×\\d+) voxels are ${NUMBER} MB unpacked, the limit is ${NUMBER} MB\\.`, "tooBig"],
  [`Too big: it has ${NUMBER} slices, the limit is ${NUMBER}\\.`, "manySlices"],
  ["Its axes are not at right angles \\(it is sheared\\)\\. Nothing is resampled here\\.", "sheared"],
  ["Damaged: it does not lie in space, its directions are singular\\.", "singular"],
  ["Damaged: its (NIfTI|NRRD|MetaImage) header contradicts itself\\.", "contradicts"],
  ["Damaged: its header names no extents of a volume\\.", "noExtents"],
  ["Damaged: its packed voxels cannot be unpacked\\.", "notUnpacked"],
  ["Its voxels are colours(?: or vectors)?; a volume of grey values is read\\.", "colours"],
  ["Its voxels are of a type that no image has\\.", "otherType"],
  ["Its voxels are written as text; save it as (.+)\\.", "asText"],
  ["Its voxels lie in another file; choose its header \\((.+)\\) and that file together\\.", "elsewhere"],
  [
    "It is a NIfTI or Analyze header alone, with its voxels in another file; save it as one \\.nii file\\.",
    "niftiPair",
  ],
  ["Its header names a file of voxels that is not beside it; choose both together\\.", "notBeside"],
  [
    "Its header names a file of voxels in another folder, which is not opened; put them side by side\\.",
    "otherFolder",
  ],
  ["Its voxels are spread over several files; save it as one\\.", "severalFiles"],
  ["Its lengths are (?:in (\\w+)s|not in millimetres); save it in millimetres\\.", "lengths"],
  [
    "It lies in a space that is none of the patient's \\(LPS, RAS or LAS\\); save it in one of these\\.",
    "otherSpace",
  ],
  ["Its values are not all numbers \\(NaN or infinite\\); replace these first\\.", "noNumbers"],
  [
    "Its values run from (\\S+) to (\\S+), most of them within (\\S+) to (\\S+): 16 bits cannot hold both\\. Clip or rescale them first\\.",
    "farValues",
  ],
  [
    "It looks like a mask: few whole values in even patches\\. If it is an image, say so in the options of the import\\.",
    "looksLikeMask",
  ],
  ["It is a mask by its folder or name, and readings are not looked for\\.", "notLookedFor"],
  [
    "It is a mask by its folder or name; masks are read from NIfTI and NRRD, MetaImage only in an nnU-Net dataset\\.",
    "noReader",
  ],
  ["The voxels of (.+)\\.", "voxelsOf"],
  ["It does not say where it lies in the patient, and (.+) was turned by what its own file says\\.", "notPlaced"],
];
