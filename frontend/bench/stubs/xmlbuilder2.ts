/**
 * Stands in for xmlbuilder2, which vtk.js imports for its XML readers and which needs Node's `events` and `url`:
 * without this the production build is a white page. Overread reads no VTK XML, so both functions refuse.
 */
function refuse(): never {
  throw new Error("VTK XML is not supported");
}
export const create = refuse;
export const convert = refuse;
