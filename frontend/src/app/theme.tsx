import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#e4f2ff",
  "#c6e3ff",
  "#a6d4ff",
  "#8bc5fb",
  "#76baf8",
  "#62b0f5",
  "#3a74a8",
  "#24517a",
  "#132a3d",
  "#0b1a27",
];
/** Light to dark, true neutral: the image is the only thing with a tint. */
const dark: MantineColorsTuple = [
  "#ededed",
  "#bababa",
  "#949494",
  "#757575",
  "#444444",
  "#303030",
  "#1b1b1b",
  "#141414",
  "#0c0c0c",
  "#000000",
];

/** The list of options scrolls itself: a scroll area inside would be one that no key reaches. */
const LIST = {
  defaultProps: { withScrollArea: false },
  styles: { options: { maxHeight: 320, overflowY: "auto" } },
} as const;

const px = (value: number) => `${value / 16}rem`;
const easing = "cubic-bezier(.2,0,0,1)";

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: 5,
  autoContrast: true,
  luminanceThreshold: 0.3,
  colors: { accent, dark },
  defaultRadius: "sm",
  radius: { xs: px(3), sm: px(5), md: px(8), lg: px(8), xl: px(8) },
  spacing: { xs: px(4), sm: px(8), md: px(12), lg: px(16), xl: px(24) },
  fontSizes: { xs: px(11), sm: px(12), md: px(13), lg: px(15), xl: px(19) },
  lineHeights: { xs: "1.4", sm: "1.4", md: "1.4", lg: "1.4", xl: "1.25" },
  fontFamily: "var(--sans)",
  fontFamilyMonospace: "var(--mono)",
  cursorType: "pointer",
  respectReducedMotion: true,
  // Plain objects, not Modal.extend: a page that shows no dialog need not fetch its code.
  components: {
    Tooltip: {
      defaultProps: { openDelay: 400, withArrow: false, color: "dark.4", offset: 6, zIndex: 500 },
    },
    Modal: {
      defaultProps: {
        centered: true,
        padding: "lg",
        radius: "md",
        overlayProps: { backgroundOpacity: 0.66, blur: 0 },
        transitionProps: { duration: 160, timingFunction: easing, transition: "fade-up" },
      },
    },
    Select: LIST,
    MultiSelect: LIST,
    Autocomplete: LIST,
    Menu: { defaultProps: { shadow: "md", radius: "md", transitionProps: { duration: 120 } } },
    Popover: { defaultProps: { shadow: "md", radius: "md", transitionProps: { duration: 120 } } },
  },
});

export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {
    "--mantine-shadow-md": "0 8px 24px rgba(0,0,0,.55), 0 0 0 1px var(--n6)",
    "--mantine-shadow-xl": "0 24px 64px rgba(0,0,0,.7), 0 0 0 1px var(--n6)",
  },
  light: {},
  dark: {
    "--mantine-color-body": "var(--n2)",
    "--mantine-color-default": "var(--n3)",
    "--mantine-color-default-border": "var(--n7)",
    "--mantine-color-default-hover": "var(--n4)",
    "--mantine-color-text": "var(--n10)",
    "--mantine-color-dimmed": "var(--n8)",
    "--mantine-color-placeholder": "var(--n8)",
    "--mantine-color-error": "var(--bad)",
    "--mantine-color-dark-filled": "var(--n4)",
  },
});
