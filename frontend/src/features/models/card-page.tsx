import { Modal, Textarea } from "@mantine/core";
import { IconDownload, IconPencil, IconPrinter } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { onnxUrl, useExportOnnx, useModel, useModelCard, useSaveCardWords } from "@/features/models/api/models";
import { VersionHead } from "@/features/models/components/version-head";
import { type Block, cardMarkdown, cardSections, type Section } from "@/features/models/state/card-sections";
import type { CardWords, ModelCard, ModelVersion } from "@/lib/api-types";
import { download } from "@/lib/download";
import { useSlug } from "@/lib/project";
import { useJob } from "@/lib/use-job";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

/** The model card: what the version is for, learned from, reaches, and does not. Printed, it is a document. */
export default function CardPage() {
  const { t } = useTranslation("models");
  const slug = useSlug();
  const number = Number(useParams().number);
  const version = useModel(slug, Number.isInteger(number) ? number : null);
  const card = useModelCard(slug, number);
  const failed = [version, card].find((one) => one.isError);
  if (failed || !version.data || !card.data) {
    return (
      <>
        <PageHead title={t("versionTitle", { n: number })} />
        <Card bare={!failed}>
          {failed ? <ErrorState error={failed.error} retry={() => void failed.refetch()} /> : <LoadingRows />}
        </Card>
      </>
    );
  }
  return <CardBody slug={slug} version={version.data} card={card.data} />;
}

function CardBody({ slug, version, card }: { slug: string; version: ModelVersion; card: ModelCard }) {
  const { t } = useTranslation("models");
  const [editing, edit] = useState(false);
  const name = `${slug}-v${version.number}-card`;
  const icon = <IconDownload size={16} stroke={1.6} />;
  return (
    <>
      <VersionHead slug={slug} version={version} />
      <div className="row no-print" style={{ gap: 8, flexWrap: "wrap", flex: "none" }}>
        <Button icon={<IconPencil size={16} stroke={1.6} />} onClick={() => edit(true)}>
          {t("card.edit")}
        </Button>
        <Button icon={<IconPrinter size={16} stroke={1.6} />} onClick={() => window.print()}>
          {t("card.print")}
        </Button>
        <Button icon={icon} onClick={() => download(`${name}.md`, "text/markdown", cardMarkdown(card, t))}>
          {t("card.markdown")}
        </Button>
        <Button
          icon={icon}
          onClick={() => download(`${name}.json`, "application/json", JSON.stringify(card, null, 2))}
        >
          {t("card.json")}
        </Button>
        <span className="grow" />
        <OnnxButtons slug={slug} version={version} />
      </div>
      <article className="model-card">
        <h2 className="visually-hidden">{t("card.title")}</h2>
        {cardSections(card, t).map((section) => (
          <section
            key={section.key}
            aria-labelledby={`card-${section.key}`}
            className={isWide(section) ? "card wide" : "card"}
          >
            <h3 id={`card-${section.key}`}>{section.title}</h3>
            {section.blocks.map((block, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a section never change their order
              <Drawn key={index} block={block} />
            ))}
          </section>
        ))}
      </article>
      {editing ? <WordsDialog slug={slug} words={card.words} onClose={() => edit(false)} /> : null}
    </>
  );
}

function Drawn({ block }: { block: Block }) {
  if (block.kind === "text") {
    return (
      <div className={block.quiet ? "q" : ""}>
        {block.title ? <p className="sm sec">{block.title}</p> : null}
        <p style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{block.text}</p>
      </div>
    );
  }
  if (block.kind === "list") {
    return (
      <ul className="bullets">
        {block.items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    );
  }
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            {block.head.map((cell, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns never change their order
              <th key={index}>{cell}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {block.rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows never change their order
            <tr key={index}>
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: columns never change their order
                <td key={column} className={isShort(cell) ? "num nw" : "num wrap"}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A table of so many columns needs the whole page. */
const isWide = ({ blocks }: Section) => blocks.some((block) => block.kind === "table" && block.head.length > 5);

/** A number with its interval stays in one line. */
const isShort = (cell: string) => cell.length < 28 && /^[−+]?\d/.test(cell);

/** Have the version written as ONNX; what has been written and checked can be fetched. */
function OnnxButtons({ slug, version }: { slug: string; version: ModelVersion }) {
  const { t } = useTranslation("models");
  const order = useExportOnnx(slug, version.number);
  const job = useJob(slug, order.data?.job, ["models", slug, version.number]);
  const running = order.isPending || job.data?.state === "queued" || job.data?.state === "running";
  return (
    <>
      <ErrorLine error={order.error ?? job.error} />
      {job.data?.error ? (
        <span className="sm" style={{ color: "var(--bad)" }}>
          {job.data.error}
        </span>
      ) : null}
      {version.onnx ? (
        <a className="btn" href={onnxUrl(slug, version.number)} download>
          <IconDownload size={16} stroke={1.6} />
          {t("card.onnx.download")}
        </a>
      ) : null}
      <Button busy={running} onClick={() => order.mutate()}>
        {t(running ? "card.onnx.running" : version.onnx ? "card.onnx.again" : "card.onnx.export")}
      </Button>
    </>
  );
}

const FIELDS = ["intended_use", "not_for", "remarks"] as const;

function WordsDialog({ slug, words, onClose }: { slug: string; words: CardWords; onClose: () => void }) {
  const { t } = useTranslation("models");
  const save = useSaveCardWords(slug);
  const [draft, setDraft] = useState(Object.fromEntries(FIELDS.map((field) => [field, words[field] ?? ""])));
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("card.editTitle")}
      size={640}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(draft, { onSuccess: onClose });
        }}
      >
        <p className="sm q">{t("card.editNote")}</p>
        {FIELDS.map((field) => (
          <Textarea
            key={field}
            label={t(`card.words.${field}`)}
            autosize
            minRows={3}
            maxRows={8}
            maxLength={4000}
            value={draft[field]}
            onChange={(event) => {
              const value = event.currentTarget.value;
              setDraft((now) => ({ ...now, [field]: value }));
            }}
          />
        ))}
        <ErrorLine error={save.error} />
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button variant="primary" type="submit" busy={save.isPending}>
            {t("card.save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
