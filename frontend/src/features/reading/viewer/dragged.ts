/** What a thumbnail carries while it is dragged: the id of its case. */
export const DRAGGED = "application/x-overread-case";

export const hasImages = (carried: DataTransfer): boolean => carried.types.includes(DRAGGED);
