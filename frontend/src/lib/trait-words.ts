/** What became of the traits that a table told: what the server writes → key below `server.traits`. */
const NUMBER = "([\\d,]+)";
const TRAIT = "(\\w+)";

export const TRAIT_WORDS: [pattern: string, key: string][] = [
  [`Traits of ${NUMBER} cases stored, ${NUMBER} already there\\.`, "stored"],
  [`Of ${NUMBER} files the table's traits were not all used, or contradict: it is told beside each\\.`, "told"],
  ["Age and sex are not taken from tables here: the archive's de-identification removes them\\.", "noAgeOrSex"],
  ["Sites are not taken from tables here: the archive's de-identification removes them\\.", "noSites"],
  ["The table's sex was not used: it is none of M, F and O\\.", "noSex"],
  [
    "The table's age was not used: it is no whole number of years up to 120 and no DICOM age such as 058Y\\.",
    "noAge",
  ],
  ["The table's view was not used: it is no view position of DICOM \\(PA, AP, LL, …\\)\\.", "noView"],
  [`The table's ${TRAIT} was not used: it is no plain text of at most 64 characters\\.`, "noText"],
  [`The table's ${TRAIT} was not used: it may name somebody\\.`, "namesSomebody"],
  [`The table's ${TRAIT} was not used: its rows name two\\.`, "namesTwo"],
  [`The header's ${TRAIT} stays: (.+); the table says (.+)\\.`, "headerStays"],
  [`The table's ${TRAIT} (.+) takes the place of an earlier table's: (.+)\\.`, "takesPlace"],
  [`The ${TRAIT} column has ${NUMBER} different values; is it the right column\\?`, "manyValues"],
];
