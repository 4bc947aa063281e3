import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuarantine } from "@/features/quarantine/api/quarantine";
import { DiscardDialog } from "@/features/quarantine/components/discard-dialog";
import { HeldList } from "@/features/quarantine/components/held-list";
import { LookCard } from "@/features/quarantine/components/look-card";
import { ManyCard } from "@/features/quarantine/components/many-card";
import { RefusedTable } from "@/features/quarantine/components/refused-table";
import { RulesTable } from "@/features/quarantine/components/rules-table";
import { chosenOf, NOTHING, type Selection, toggled } from "@/features/quarantine/state/selection";
import "@/features/quarantine/quarantine.css";
import { count } from "@/lib/format";
import { useSlug } from "@/lib/project";
import { LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";
import { Segmented } from "@/ui/segmented";

type Part = "held" | "refused" | "rules";

/** What was kept aside at the door: images that wait for a lead's look, and files that an import refused. */
export default function QuarantinePage() {
  const { t } = useTranslation("quarantine");
  const slug = useSlug();
  const [part, setPart] = useState<Part>("held");
  const [group, setGroup] = useState("");
  const kind = part === "refused" ? "refused" : "held";
  const found = useQuarantine(slug, kind, group);
  const counts = found.data?.counts;
  const groups = found.data?.groups;
  // The last of a reason went: back to all that wait.
  useEffect(() => {
    if (group && groups && !groups.some((one) => one.group === group)) setGroup("");
  }, [group, groups]);

  return (
    <>
      <PageHead title={t("title")} note={t(found.data?.may_download === false ? "noteUnnamed" : "note")}>
        <Segmented<Part>
          label={t("title")}
          value={part}
          onChange={(next) => {
            setPart(next);
            setGroup("");
          }}
          options={[
            { value: "held", label: `${t("held")} ${counts ? count(counts.held) : ""}` },
            { value: "refused", label: `${t("refused")} ${counts ? count(counts.refused) : ""}` },
            { value: "rules", label: t("rules") },
          ]}
        />
        <LinkButton to={`/p/${slug}/import`}>{t("toImport")}</LinkButton>
      </PageHead>
      {found.isError ? (
        <Card>
          <ErrorState error={found.error} retry={() => void found.refetch()} />
        </Card>
      ) : !found.data ? (
        <Card bare>
          <LoadingRows rows={8} height={52} />
        </Card>
      ) : part === "rules" ? (
        <Card bare>
          <RulesTable slug={slug} />
        </Card>
      ) : part === "refused" ? (
        <Card bare className="grow" style={{ display: "flex", flexDirection: "column", minHeight: 0 }}>
          <RefusedTable
            slug={slug}
            files={found.data.results.filter((one) => one.kind === "refused")}
            total={found.data.total}
            groups={found.data.groups}
            group={group}
            mayDownload={found.data.may_download}
            onGroup={setGroup}
          />
        </Card>
      ) : (
        <Held slug={slug} found={found.data} group={group} onGroup={setGroup} />
      )}
    </>
  );
}

interface HeldProps {
  slug: string;
  found: NonNullable<ReturnType<typeof useQuarantine>["data"]>;
  group: string;
  onGroup: (group: string) => void;
}

function Held({ slug, found, group, onGroup }: HeldProps) {
  const { t } = useTranslation("quarantine");
  const [looked, look] = useState<string>();
  const [chosen, choose] = useState<Selection>(NOTHING);
  const [leaving, leave] = useState<string[]>([]);
  const held = found.results.filter((one) => one.kind === "held" && one.state === "waiting");
  const several = chosenOf(held, chosen);
  const one = held.find((file) => file.id === looked) ?? held[0];
  const done = () => choose(NOTHING);
  const { decided } = found.counts;
  const waiting = found.groups.reduce((sum, each) => (!group || each.group === group ? sum + each.count : sum), 0);

  return (
    <>
      {one ? (
        <div style={{ display: "flex", gap: 16, flex: 1, minHeight: 0 }}>
          <HeldList
            files={held}
            total={waiting}
            groups={found.groups}
            group={group}
            looked={several.length ? undefined : one.id}
            chosen={new Set(several.map((file) => file.id))}
            decided={decided}
            onGroup={(next) => {
              onGroup(next);
              done();
            }}
            onLook={(id) => {
              done();
              look(id);
            }}
            onToggle={(id) => choose(toggled(chosen, id))}
            onAll={(all) => choose(all ? new Set(held.map((file) => file.id)) : NOTHING)}
          />
          {several.length ? (
            <ManyCard
              slug={slug}
              files={several}
              onDrop={(id) => choose(toggled(chosen, id))}
              onDiscard={() => leave(several.map((file) => file.id))}
              onDone={done}
            />
          ) : (
            <LookCard key={one.id} slug={slug} file={one} onDiscard={() => leave([one.id])} />
          )}
        </div>
      ) : (
        <Card bare>
          <EmptyState title={t("none")}>{decided ? t("decided", { count: decided }) : t("noneNote")}</EmptyState>
        </Card>
      )}
      <DiscardDialog slug={slug} files={leaving} onDone={done} onClose={() => leave([])} />
    </>
  );
}
