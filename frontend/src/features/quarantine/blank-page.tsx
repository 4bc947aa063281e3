import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { pictureOf, storedCase, useBlank, useStoredCase } from "@/features/quarantine/api/blanking";
import { MaskBoard } from "@/features/quarantine/components/mask-board";
import { ReasonField } from "@/features/quarantine/components/reason-field";
import { RectangleFields } from "@/features/quarantine/components/rectangle-fields";
import { ReportedNames } from "@/features/quarantine/components/reported-names";
import type { NameReport, Rectangle, Room } from "@/lib/api-types";
import { count } from "@/lib/format";
import { nameReports, useNameReports } from "@/lib/name-reports";
import { useSlug } from "@/lib/project";
import { hasEnded, useJob } from "@/lib/use-job";
import { Button, LinkButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";
import { Segmented } from "@/ui/segmented";

type Where = "one" | "all";

/** Text that somebody saw in an image that is stored already: a lead blanks it for good. */
export default function BlankPage() {
  const { t } = useTranslation("quarantine");
  const slug = useSlug();
  const caseId = useParams().caseId ?? "";
  const found = useStoredCase(slug, caseId);
  const reported = useNameReports(slug);
  return (
    <>
      <PageHead
        title={t("blank.title", { name: found.data?.case.name ?? "" })}
        tab={t("blank.tab")}
        note={t("blank.note")}
      >
        <LinkButton to={`/p/${slug}/cases`}>{t("blank.toCases")}</LinkButton>
      </PageHead>
      {found.isError ? (
        <Card>
          <ErrorState error={found.error} retry={() => void found.refetch()} />
        </Card>
      ) : reported.isError ? (
        <Card>
          <ErrorState error={reported.error} retry={() => void reported.refetch()} />
        </Card>
      ) : found.data && reported.data ? (
        <Images
          slug={slug}
          caseId={caseId}
          room={found.data}
          reports={reported.data.filter((report) => report.case === caseId)}
        />
      ) : (
        <Card bare>
          <LoadingRows rows={8} height={52} />
        </Card>
      )}
    </>
  );
}

interface ImagesProps {
  slug: string;
  caseId: string;
  room: Room;
  reports: NameReport[];
}

function Images({ slug, caseId, room, reports }: ImagesProps) {
  const { t } = useTranslation("quarantine");
  const { instances } = room.series;
  // Where somebody saw a name, else the middle.
  const [place, setPlace] = useState(() => {
    const told = instances.findIndex((one) => one.sop_instance_uid === reports[0]?.sop_instance_uid);
    return told < 0 ? Math.floor((instances.length - 1) / 2) : told;
  });
  const [rectangles, setRectangles] = useState<Rectangle[]>([]);
  const [whole, setWhole] = useState(false);
  const [reason, setReason] = useState("");
  const [asked, ask] = useState(false);
  const order = useBlank(slug, caseId);
  // The server closes what was reported of images that are blanked.
  const job = useJob(slug, order.data?.job, storedCase(slug, caseId), nameReports(slug)).data;
  const instance = instances[Math.min(place, instances.length - 1)];
  if (!instance) return null;
  const frame = reports.find((one) => one.sop_instance_uid === instance.sop_instance_uid)?.frame;
  const images = whole ? instances.length : 1;
  const isBusy = order.isPending || (order.data !== undefined && !(job && hasEnded(job)));
  const size = { rows: instance.rows, columns: instance.columns, name: room.case.name };
  const draw = (next: Rectangle[]) => {
    order.reset();
    setRectangles(next);
  };

  return (
    <Card
      title={
        instances.length > 1
          ? t("blank.slice", { n: count(place + 1), all: count(instances.length) })
          : t("blank.image")
      }
      note={t("blank.draw")}
      className="grow"
      style={{ minWidth: 0, overflow: "auto" }}
    >
      <div className="row t" style={{ gap: 20, minHeight: 0 }}>
        <div className="grow stack" style={{ gap: 10 }}>
          <MaskBoard
            key={instance.pixels}
            file={size}
            source={pictureOf(room.series, instance, frame)}
            rectangles={rectangles}
            onDraw={isBusy ? undefined : (one) => draw([...rectangles, one])}
          />
          {instances.length > 1 ? (
            <input
              type="range"
              aria-label={t("blank.slice", { n: count(place + 1), all: count(instances.length) })}
              min={0}
              max={instances.length - 1}
              value={place}
              onChange={(event) => setPlace(event.currentTarget.valueAsNumber)}
              style={{ width: "100%" }}
            />
          ) : null}
        </div>
        <div className="stack" style={{ width: 300, flex: "none", gap: 14 }}>
          <ReportedNames {...{ slug, caseId, reports, instances }} onGoTo={setPlace} />
          <h3>{t("rectangles")}</h3>
          <RectangleFields size={size} rectangles={rectangles} onChange={draw} none={t("blank.none")} />
          {instances.length > 1 ? (
            <Segmented<Where>
              label={t("blank.where")}
              value={whole ? "all" : "one"}
              onChange={(where) => setWhole(where === "all")}
              options={[
                { value: "one", label: t("blank.one") },
                {
                  value: "all",
                  label: t("blank.all", { count: instances.length, shown: count(instances.length) }),
                },
              ]}
            />
          ) : null}
          <ReasonField value={reason} onChange={setReason} />
          <Button variant="primary" disabled={rectangles.length === 0} busy={isBusy} onClick={() => ask(true)}>
            {t("blank.action", { count: images, shown: count(images) })}
          </Button>
          <p role="status" className="sm sec">
            {isBusy && job
              ? t("blank.progress", {
                  done: count(Number(job.progress.done ?? 0)),
                  all: count(order.data?.images ?? 0),
                })
              : null}
            {job?.state === "succeeded" ? t("blank.done", { count: order.data?.images ?? 0 }) : null}
            {job && hasEnded(job) && job.state !== "succeeded" ? t("blank.failed", { why: job.error }) : null}
          </p>
        </div>
      </div>
      <ConfirmDialog
        opened={asked}
        danger
        title={t("blank.confirmTitle", { count: images, shown: count(images) })}
        action={t("blank.action", { count: images, shown: count(images) })}
        busy={order.isPending}
        error={order.error}
        onConfirm={() =>
          order.mutate(
            { rectangles, sop_instance_uid: whole ? "" : instance.sop_instance_uid, reason: reason.trim() },
            {
              onSuccess: () => {
                ask(false);
                setRectangles([]);
              },
            },
          )
        }
        onClose={() => ask(false)}
      >
        <p>{t("blank.confirm")}</p>
      </ConfirmDialog>
    </Card>
  );
}
