import { TextInput } from "@mantine/core";
import { IconAlertTriangle, IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePull, useSearch } from "@/features/pacs/api/pacs";
import { type Chosen, NOTHING, wanted } from "@/features/pacs/chosen-studies";
import { StudyTable } from "@/features/pacs/components/study-table";
import { ApiError } from "@/lib/api-client";
import type { RemoteNode } from "@/lib/api-types";
import { count } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { useKeys } from "@/lib/use-keys";
import { Button } from "@/ui/button";
import { ErrorLine } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

type Keys = Record<
  "patient_name" | "patient_id" | "accession_number" | "study_description" | "modality" | "from" | "to",
  string
>;
const EMPTY: Keys = {
  patient_name: "",
  patient_id: "",
  accession_number: "",
  study_description: "",
  modality: "",
  from: "",
  to: "",
};
const compact = (day: string) => day.replaceAll("-", "");

/** Look for studies in a PACS, pick some, and pull them into the project. */
export function SearchPane({ slug, node }: { slug: string; node: RemoteNode }) {
  const { t } = useTranslation("pacs");
  const first = useRef<HTMLInputElement>(null);
  const [keys, setKeys] = useState<Keys>(EMPTY);
  const [chosen, choose] = useState<Chosen>(NOTHING);
  const search = useSearch(slug);
  const pull = usePull(slug);
  const asked = Object.values(keys).some((value) => value.trim());
  const submit = () => {
    if (!asked) return;
    choose(NOTHING);
    pull.reset();
    search.mutate({
      node: node.id,
      keys: {
        patient_name: keys.patient_name.trim(),
        patient_id: keys.patient_id.trim(),
        accession_number: keys.accession_number.trim(),
        study_description: keys.study_description.trim(),
        modality: keys.modality.trim().toUpperCase(),
        date_from: compact(keys.from),
        date_to: compact(keys.to),
      },
    });
  };
  const begin = () => {
    const studies = wanted(chosen, search.data?.studies ?? []);
    if (studies.length && !pull.isPending)
      pull.mutate({ node: node.id, studies }, { onSuccess: () => choose(NOTHING) });
  };
  useKeys({ "/": () => first.current?.focus(), "mod+enter": begin });
  const field = (name: keyof Keys, type?: "date") => ({
    label: t(`key.${name}`),
    value: keys[name],
    type: type ?? "text",
    maxLength: 64,
    autoComplete: "off",
    onChange: (event: React.ChangeEvent<HTMLInputElement>) =>
      setKeys({ ...keys, [name]: event.currentTarget.value }),
  });
  return (
    <>
      <form
        className="pacs-keys"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextInput ref={first} {...field("patient_name")} />
        <TextInput {...field("patient_id")} />
        <TextInput {...field("accession_number")} maxLength={16} />
        <TextInput {...field("study_description")} />
        <TextInput {...field("modality")} maxLength={16} />
        <TextInput {...field("from", "date")} />
        <TextInput {...field("to", "date")} />
        <Button
          type="submit"
          variant="primary"
          icon={<IconSearch size={16} stroke={1.6} />}
          busy={search.isPending}
          disabled={!asked}
        >
          {t("search")}
        </Button>
      </form>
      <Results {...{ slug, node, search, chosen, choose }} />
      {search.data?.studies.length ? (
        <footer className="row wl-bulk">
          <span className="sm sec num">
            {chosen.size ? t("picked", { count: chosen.size }) : t("found", { count: search.data.studies.length })}
          </span>
          {search.data.has_more ? (
            <span className="sm q">{t("more", { count: count(search.data.studies.length) })}</span>
          ) : null}
          <span className="grow" />
          <ErrorLine error={pull.error} />
          {pull.isSuccess && !chosen.size ? (
            <span className="sm sec" role="status">
              {t("begun")}
            </span>
          ) : null}
          <Button variant="primary" kbd="Ctrl ↵" disabled={!chosen.size} busy={pull.isPending} onClick={begin}>
            {t("pull")}
          </Button>
        </footer>
      ) : null}
    </>
  );
}

interface ResultsProps {
  slug: string;
  node: RemoteNode;
  search: ReturnType<typeof useSearch>;
  chosen: Chosen;
  choose: (chosen: Chosen) => void;
}

function Results({ slug, node, search, chosen, choose }: ResultsProps) {
  const { t } = useTranslation("pacs");
  if (search.isPending) return <LoadingRows rows={8} height={36} />;
  if (search.isError) {
    const failed = search.error instanceof ApiError && search.error.code === "node_failed";
    return (
      <div role="alert" className="col" style={{ padding: 16, gap: 6 }}>
        <span className="row b" style={{ color: "var(--bad)" }}>
          <IconAlertTriangle size={16} stroke={1.6} />
          {failed ? t("nodeFailed", { name: node.name }) : t("common:error.title")}
        </span>
        <span className="sec sm">{serverWords(search.error.message, t)}</span>
      </div>
    );
  }
  if (!search.data) return <p className="pacs-quiet">{t("before", { name: node.name })}</p>;
  if (search.data.studies.length === 0) return <p className="pacs-quiet">{t("nothing", { name: node.name })}</p>;
  return <StudyTable slug={slug} node={node.id} studies={search.data.studies} chosen={chosen} onChoose={choose} />;
}
