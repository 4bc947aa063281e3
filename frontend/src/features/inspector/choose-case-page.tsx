import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import "./inspector.css";
import { useInspectableCases } from "@/features/inspector/api/inspection";
import { count } from "@/lib/format";
import { useSlug } from "@/lib/project";
import { LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";
import { SmallImage } from "@/ui/small-image";

/** Which case to look at from inside. */
export default function ChooseCasePage() {
  const { t } = useTranslation("inspector");
  const slug = useSlug();
  const number = Number(useParams().number);
  const [search, setSearch] = useState("");
  const found = useInspectableCases(slug, search.trim());
  return (
    <>
      <PageHead title={t("title", { n: number })} note={t("note")}>
        <label className="in" style={{ width: 220 }}>
          <IconSearch size={16} stroke={1.6} aria-hidden="true" />
          <span className="visually-hidden">{t("choose.search")}</span>
          <input
            type="search"
            placeholder={t("choose.search")}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <LinkButton dense to={`/p/${slug}/models/${number}`}>
          {t("toModel")}
        </LinkButton>
      </PageHead>
      <Card
        title={t("choose.title")}
        note={found.data ? t("choose.n", { count: found.data.total, n: count(found.data.total) }) : undefined}
      >
        {found.isError ? (
          <ErrorState error={found.error} retry={() => void found.refetch()} />
        ) : !found.data ? (
          <LoadingRows rows={4} height={120} />
        ) : (
          <>
            {found.data.cases.length ? (
              <ul className="ins-cases">
                {found.data.cases.map((one) => (
                  <li key={one.id}>
                    <Link to={one.id} style={{ color: "inherit", display: "block" }}>
                      <span className="thumb-t" style={{ display: "block", aspectRatio: "4 / 3" }}>
                        <SmallImage src={one.thumbnail} />
                      </span>
                      <span className="sm ell" style={{ display: "block", marginTop: 4 }}>
                        {one.name}
                      </span>
                    </Link>
                  </li>
                ))}
              </ul>
            ) : (
              <p className="sec">{t(search ? "choose.noneFound" : "choose.none")}</p>
            )}
            {found.data.cases.length < found.data.total ? (
              <p className="sm q" style={{ marginTop: 12 }}>
                {t("choose.first", { n: count(found.data.cases.length) })}
              </p>
            ) : null}
            {found.data.hidden ? (
              <p className="sm q" style={{ marginTop: 12 }}>
                {t("choose.hidden", { count: found.data.hidden, n: count(found.data.hidden) })}
              </p>
            ) : null}
          </>
        )}
      </Card>
    </>
  );
}
