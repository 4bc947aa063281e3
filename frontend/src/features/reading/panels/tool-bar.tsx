/** Tools in groups: view, mark, display. Each has its name and key in its tooltip. */
import { Menu } from "@mantine/core";
import {
  IconAngle,
  IconArrowsCross,
  IconArrowUpLeft,
  IconBrightness,
  IconBrush,
  IconBucketDroplet,
  IconCircle,
  IconCircleDashed,
  IconContrast,
  IconContrast2,
  IconCurrentLocation,
  IconEraser,
  IconFlipHorizontal,
  IconFlipVertical,
  IconHandClick,
  IconHandStop,
  IconLasso,
  IconLassoPolygon,
  IconMagnet,
  IconMovie,
  IconOvalVertical,
  IconPaint,
  IconPointer,
  IconPolygon,
  IconRefresh,
  IconRotateClockwise2,
  IconRuler2,
  IconScissors,
  IconScribble,
  IconSphere,
  IconSquare,
  IconVectorSpline,
  IconWand,
  IconZoomIn,
  IconZoomScan,
} from "@tabler/icons-react";
import { type ComponentType, useState } from "react";
import { useTranslation } from "react-i18next";
import { presetsOf } from "@/lib/imaging/windows";
import { useMe } from "@/lib/me";
import { type Command, keysOf, printed } from "../state/keymap";
import type { RoomSession } from "../state/room-session";
import { isMarkTool, isMeasureTool, mayUse, type Tool } from "../state/room-ui";
import { useActiveView, useDisplay, useSession, useUi } from "../state/session-context";
import { LayoutMenu } from "./layout-menu";
import { WithKey } from "./with-key";

type Icon = ComponentType<{ size?: number; stroke?: number }>;

const VIEW: [Tool, Icon][] = [
  ["pan", IconHandStop],
  ["zoom", IconZoomIn],
];
/** One place in the bar: the tool of the group that was used last; the others fold out. */
const MARK: [Tool, Icon][][] = [
  [["select", IconPointer]],
  [["box", IconSquare]],
  [
    ["ellipse", IconOvalVertical],
    ["circle", IconCircle],
  ],
  [
    ["polygon", IconPolygon],
    ["freehand", IconLasso],
    ["spline", IconVectorSpline],
    ["livewire", IconMagnet],
    ["point", IconCurrentLocation],
  ],
  [
    ["brush", IconBrush],
    ["sphereBrush", IconSphere],
    ["thresholdBrush", IconContrast],
    ["dynamicBrush", IconPaint],
    ["lasso", IconLassoPolygon],
    ["fillHole", IconBucketDroplet],
  ],
  [
    ["eraser", IconEraser],
    ["scissors", IconScissors],
  ],
  [
    ["segment", IconHandClick],
    ["scribble", IconScribble],
    ["grow", IconWand],
  ],
];
const MEASURE: [Tool, Icon][] = [
  ["length", IconRuler2],
  ["bidirectional", IconArrowsCross],
  ["angle", IconAngle],
  ["roi", IconCircleDashed],
  ["arrow", IconArrowUpLeft],
];

export function ToolBar() {
  const session = useSession();
  const inverted = useActiveView((state) => state.inverted);
  return (
    <div className="row rr-tools" style={{ gap: 2 }} role="toolbar">
      <ToolButton tool="window" icon={IconBrightness} />
      <PresetMenu />
      {VIEW.map(([tool, icon]) => (
        <ToolButton key={tool} tool={tool} icon={icon} />
      ))}
      <i className="vr" />
      {MARK.map((group) => (
        <ToolGroup key={group[0]?.[0]} tools={group} />
      ))}
      <i className="vr" />
      <ToolGroup tools={MEASURE} />
      <i className="vr" />
      <Act command="invert" icon={IconContrast2} on={inverted} run={() => session.activeView?.invert()} />
      <Act command="flipHorizontal" icon={IconFlipVertical} run={() => session.activeView?.flip("horizontal")} />
      <Act command="flipVertical" icon={IconFlipHorizontal} run={() => session.activeView?.flip("vertical")} />
      <Act command="rotate" icon={IconRotateClockwise2} run={() => session.activeView?.rotate()} />
      <DisplayActs />
      <Act command="reset" icon={IconRefresh} run={() => session.activeView?.reset()} />
    </div>
  );
}

function ToolGroup({ tools }: { tools: [Tool, Icon][] }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const current = useUi((state) => state.tool);
  const own = useMe().data?.key_bindings;
  const [last, setLast] = useState(tools[0] as [Tool, Icon]);
  const inHand = tools.find(([tool]) => tool === current);
  if (inHand && inHand[0] !== last[0]) setLast(inHand);
  const [tool, icon] = inHand ?? last;
  if (tools.length === 1) return <ToolButton tool={tool} icon={icon} />;
  return (
    <>
      <ToolButton tool={tool} icon={icon} />
      <Menu position="bottom-start" width={230}>
        <Menu.Target>
          <button
            type="button"
            className="tool rr-caret"
            aria-label={t("moreTools", { name: t(`command.${tools[0]?.[0]}`) })}
          >
            <i className="caret" />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {tools.map(([one, Glyph]) => (
            <Menu.Item
              key={one}
              leftSection={<Glyph size={16} stroke={1.6} />}
              rightSection={<span className="q xs">{printed(keysOf(one as Command, own)[0] ?? "")}</span>}
              aria-current={one === current}
              disabled={!canUse(session, one)}
              onClick={() => session.setTool(one)}
            >
              {t(`command.${one}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

/** Magnifier, layout, cine: the last for series only. */
function DisplayActs() {
  const { display, frames } = useSession();
  const { magnifier, playing } = useDisplay((state) => state);
  const many = frames.length > 1;
  return (
    <>
      <Act
        command="magnifier"
        icon={IconZoomScan}
        on={magnifier}
        run={() => display.setState({ magnifier: !magnifier })}
      />
      <LayoutMenu />
      {many ? (
        <Act command="cine" icon={IconMovie} on={playing} run={() => display.setState({ playing: !playing })} />
      ) : null}
    </>
  );
}

function canUse(session: RoomSession, tool: Tool): boolean {
  if (!isMarkTool(tool) && !isMeasureTool(tool)) return true;
  return !session.isReadonly && mayUse(tool, session.activeType);
}

function ToolButton({ tool, icon: Glyph }: { tool: Tool; icon: Icon }) {
  const { t } = useTranslation("reading");
  const session = useSession();
  const current = useUi((state) => state.tool);
  useUi((state) => state.activeType);
  const allowed = canUse(session, tool);
  return (
    <WithKey command={tool as Command}>
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

function PresetMenu() {
  const { t } = useTranslation("reading");
  const session = useSession();
  const presets = presetsOf(session.room.case.modality);
  useActiveView((state) => state.shown);
  const own = session.activeView?.headerPresets ?? [];
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
            onClick={() => session.activeView?.applyPreset(preset)}
            rightSection={<span className="q xs">{`Shift ${i + 1}`}</span>}
          >
            {t(`preset.${preset.name}`)}
            {preset.kind === "fixed" ? (
              <span className="q xs num">{`  ${preset.window.width} / ${preset.window.centre}`}</span>
            ) : null}
          </Menu.Item>
        ))}
        {own.length > 1 ? <Menu.Label>{t("ownWindows")}</Menu.Label> : null}
        {own.length > 1
          ? own.map(({ name, preset }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the header's order is their only name
              <Menu.Item key={i} onClick={() => session.activeView?.applyPreset(preset)}>
                {name || t("windowNumber", { n: i + 1 })}
              </Menu.Item>
            ))
          : null}
      </Menu.Dropdown>
    </Menu>
  );
}
