/** DICOM's 19990102 as 1999-01-02. */
export function dateOf(date: string): string {
  const found = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(date);
  return found ? `${found[1]}-${found[2]}-${found[3]}` : date;
}
