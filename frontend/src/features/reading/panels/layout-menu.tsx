/** How many panes, or the planes across the slices; and whether the panes follow each other. */
import { Menu } from "@mantine/core";
import {
  IconColumns2,
  IconLayoutBoardSplit,
  IconLayoutGrid,
  IconLink,
  IconSquare,
  IconUnlink,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/lib/me";
import { chooseLayout, link } from "../state/arrange";
import { LAYOUTS, type Layout } from "../state/arrangement";
import { keysOf, printed } from "../state/keymap";
import { useDisplay, useSession } from "../state/session-context";
import { WithKey } from "./with-key";

const ICONS: Record<Layout, ComponentType<{ size?: number; stroke?: number }>> = {
  "1x1": IconSquare,
  "1x2": IconColumns2,
  "2x2": IconLayoutGrid,
  mpr: IconLayoutBoardSplit,
};

export function LayoutMenu() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const layout = useDisplay((state) => state.layout);
  const linked = useDisplay((state) => state.linked);
  const own = useMe().data?.key_bindings;
  const Icon = ICONS[layout === "1x1" ? "2x2" : layout];
  const Chain = linked ? IconLink : IconUnlink;
  const many = layout === "1x2" || layout === "2x2";
  return (
    <>
      <Menu position="bottom-start" width={230}>
        <Menu.Target>
          <button
            type="button"
            className={`tool${layout === "1x1" ? "" : " on"}`}
            aria-label={t("command.layout")}
            title={`${t("command.layout")}  ${printed(keysOf("layout", own)[0] ?? "")}`}
          >
            <Icon size={18} stroke={1.6} />
            <i className="caret" />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {LAYOUTS.map((one) => {
            const Glyph = ICONS[one];
            const key = one === "mpr" ? keysOf("mpr", own)[0] : one === "1x1" ? keysOf("layout", own)[0] : "";
            return (
              <Menu.Item
                key={one}
                leftSection={<Glyph size={16} stroke={1.6} />}
                rightSection={<span className="q xs">{printed(key ?? "")}</span>}
                aria-current={one === layout}
                disabled={one === "mpr" && session.frames.length < 2}
                onClick={() => chooseLayout(session, one)}
              >
                {t(`layout.${one}`)}
              </Menu.Item>
            );
          })}
        </Menu.Dropdown>
      </Menu>
      {many ? (
        <WithKey command="link">
          <button
            type="button"
            className={`tool${linked ? " on" : ""}`}
            aria-label={t("command.link")}
            aria-pressed={linked}
            onClick={() => link(session, !linked)}
          >
            <Chain size={18} stroke={1.6} />
          </button>
        </WithKey>
      ) : null}
    </>
  );
}
