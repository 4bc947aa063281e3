/** Tools in groups: view, mark, display. Each has its name and key in its tooltip. */
import { Menu, Tooltip } from "@mantine/core";
import {
  IconBrightness,
  IconBrush,
  IconContrast2,
  IconEraser,
  IconFlipHorizontal,
  IconFlipVertical,
  IconHandStop,
  IconLasso,
  IconOvalVertical,
  IconPointer,
  IconPolygon,
  IconRefresh,
  IconRotateClockwise2,
  IconSquare,
  IconZoomIn,
} from "@tabler/icons-react";
import type { ComponentType, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { presetsOf } from "@/lib/cornerstone/windows";
import { useMe } from "@/lib/me";
import { type Command, keysOf, printed } from "../state/keymap";
import { isMarkTool, kindOfTool, type Tool } from "../state/room-ui";
import { useSession, useUi, useView } from "../state/session-context";

type Icon = ComponentType<{ size?: number; stroke?: number }>;

const VIEW: [Tool, Icon][] = [
  ["pan", IconHandStop],
  ["zoom", IconZoomIn],
];
const MARK: [Tool, Icon][] = [
  ["select", IconPointer],
  ["box", IconSquare],
  ["ellipse", IconOvalVertical],
  ["polygon", IconPolygon],
  ["freehand", IconLasso],
  ["brush", IconBrush],
  ["eraser", IconEraser],
];

export function ToolBar() {
  const session = useSession();
  const inverted = useView((state) => state.inverted);
  return (
    <div className="row rr-tools" style={{ gap: 2 }} role="toolbar">
      <ToolButton tool="window" icon={IconBrightness} />
      <PresetMenu />
      {VIEW.map(([tool, icon]) => (
        <ToolButton key={tool} tool={tool} icon={icon} />
      ))}
      <i className="vr" />
      {MARK.map(([tool, icon]) => (
        <ToolButton key={tool} tool={tool} icon={icon} />
      ))}
      <i className="vr" />
      <Act command="invert" icon={IconContrast2} on={inverted} run={() => session.view?.invert()} />
      <Act command="flipHorizontal" icon={IconFlipVertical} run={() => session.view?.flip("horizontal")} />
      <Act command="flipVertical" icon={IconFlipHorizontal} run={() => session.view?.flip("vertical")} />
      <Act command="rotate" icon={IconRotateClockwise2} run={() => session.view?.rotate()} />
      <Act command="reset" icon={IconRefresh} run={() => session.view?.reset()} />
    </div>
  );
}

function ToolButton({ tool, icon: Glyph }: { tool: Tool; icon: Icon }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const current = useUi((state) => state.tool);
  const activeType = useUi((state) => state.activeType);
  const type = activeType === null ? undefined : session.typeOf(activeType);
  const allowed =
    !isMarkTool(tool) ||
    (!session.isReadonly && (tool === "eraser" || !type || type.allowed_marks.includes(kindOfTool(tool))));
  return (
    <WithKey command={tool}>
      <button
        type="button"
        className={`tool${current === tool ? " on" : ""}${allowed ? "" : " off"}`}
        aria-label={t(`command.${tool}`)}
        aria-pressed={current === tool}
        aria-disabled={!allowed}
        onClick={() => session.setTool(tool)}
      >
        <Glyph size={18} stroke={1.6} />
      </button>
    </WithKey>
  );
}

function Act({ command, icon: Glyph, run, on }: { command: Command; icon: Icon; run: () => void; on?: boolean }) {
  const { t } = useTranslation("reading");
  return (
    <WithKey command={command}>
      <button
        type="button"
        className={`tool${on ? " on" : ""}`}
        aria-label={t(`command.${command}`)}
        onClick={run}
      >
        <Glyph size={18} stroke={1.6} />
      </button>
    </WithKey>
  );
}

/** Name and key after 400 ms. */
export function WithKey({ command, children }: { command: Command; children: ReactNode }) {
  const { t } = useTranslation("reading");
  const own = useMe().data?.key_bindings;
  const key = keysOf(command, own)[0] ?? "";
  return (
    <Tooltip label={`${t(`command.${command}`)}  ${printed(key)}`} openDelay={400}>
      {children}
    </Tooltip>
  );
}

function PresetMenu() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const presets = presetsOf(session.room.case.modality);
  return (
    <Menu position="bottom-start" width={210}>
      <Menu.Target>
        <button type="button" className="tool rr-caret" aria-label={t("presets")}>
          <i className="caret" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {presets.map((preset, i) => (
          <Menu.Item
            key={preset.name}
            onClick={() => session.view?.applyPreset(preset)}
            rightSection={<span className="q xs">{`Shift ${i + 1}`}</span>}
          >
            {t(`preset.${preset.name}`)}
            {preset.kind === "fixed" ? (
              <span className="q xs num">{`  ${preset.window.width} / ${preset.window.centre}`}</span>
            ) : null}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
