/** What a look into the table of identities found, image by image, as a person asks for it: study by study. */
import type { KnownIdentity } from "@/lib/api-types";

/** Whether a text can be a pseudonym or a UID as the server takes them. */
export const isPseudonym = (text: string) => /^(P[0-9A-F]{15}|[0-9.]{1,64})$/.test(text);

/** A date of DICOM (DA, PS3.5 6.2: YYYYMMDD) as 2024-02-29; what is none stays as it is. */
export const dateOf = (text: string) => text.replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");

export interface KnownStudy {
  identity: KnownIdentity;
  images: number;
}

export function studiesOf(found: KnownIdentity[]): KnownStudy[] {
  const studies = new Map<string, KnownStudy>();
  for (const identity of found) {
    const { patient_id, patient_name, study_instance_uid, study_date, accession_number } = identity;
    const key = JSON.stringify([patient_id, patient_name, study_instance_uid, study_date, accession_number]);
    const known = studies.get(key);
    if (known) known.images += 1;
    else studies.set(key, { identity, images: 1 });
  }
  return [...studies.values()];
}
