import { IconDownload } from "@tabler/icons-react";
import type { RefObject } from "react";
import { csvOf, download, downloadSvg } from "@/lib/download";
import { Button } from "@/ui/button";

interface ExportButtonsProps {
  /** Of the files, without their endings. */
  name: string;
  svg?: RefObject<SVGSVGElement | null>;
  rows: () => (string | number | null)[][];
}

/** A chart as SVG and its numbers as CSV. */
export function ExportButtons({ name, svg, rows }: ExportButtonsProps) {
  const icon = <IconDownload size={16} stroke={1.6} />;
  return (
    <>
      {svg ? (
        <Button
          dense
          variant="ghost"
          icon={icon}
          onClick={() => svg.current && downloadSvg(`${name}.svg`, svg.current)}
        >
          SVG
        </Button>
      ) : null}
      <Button dense variant="ghost" icon={icon} onClick={() => download(`${name}.csv`, "text/csv", csvOf(rows()))}>
        CSV
      </Button>
    </>
  );
}
