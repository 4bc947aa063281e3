/** How well a version outlines what it is pointed at, with how many decimals; told apart from what it finds by itself. */
export const CLICK_NUMBERS: [metric: string, places: number][] = [
  ["click_dice_1", 3],
  ["click_dice_3", 3],
  ["stroke_dice", 3],
  ["stroke_click_dice", 3],
  ["box_dice", 3],
  ["box_gain", 3],
];
