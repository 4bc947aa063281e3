import type { ReactNode } from "react";
import { Link } from "react-router";
import type { LabelledCase } from "@/lib/api-types";
import { SmallImage } from "@/ui/small-image";

/** A case in small; opens in the reading room. */
export function CaseTile({ slug, one, children }: { slug: string; one: LabelledCase; children: ReactNode }) {
  return (
    <Link to={`/p/${slug}/read/${one.case}`} style={{ color: "inherit", display: "block", minWidth: 0 }}>
      <span className="thumb-t" style={{ display: "block", aspectRatio: "4 / 3", width: "100%" }}>
        <SmallImage key={one.thumbnail} src={one.thumbnail} />
      </span>
      {children}
    </Link>
  );
}
