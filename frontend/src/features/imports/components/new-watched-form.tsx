import { Checkbox, PasswordInput, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useImportFormats } from "@/features/imports/api/imports";
import { useCreateWatched } from "@/features/imports/api/watched";
import { ReadingsFields } from "@/features/imports/components/readings-fields";
import { type Volumes, VolumesField } from "@/features/imports/components/volumes-field";
import { isComplete, RECOGNISED, readingsOptions } from "@/features/imports/readings-choice";
import { ApiError } from "@/lib/api-client";
import type { WatchedSources } from "@/lib/api-types";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { ErrorLine } from "@/ui/error-state";
import { Segmented } from "@/ui/segmented";

interface Props {
  slug: string;
  allowed: WatchedSources;
  onDone: () => void;
}

/** A folder below what the operator opened, or a bucket of an object store that he named. */
export function NewWatchedForm({ slug, allowed, onDone }: Props) {
  const { t } = useTranslation("imports");
  const create = useCreateWatched(slug);
  const hasFolders = allowed.roots.length > 0;
  const hasBuckets = allowed.endpoints.length > 0;
  const [kind, setKind] = useState<"folder" | "bucket">(hasFolders ? "folder" : "bucket");
  const [location, setLocation] = useState(kind === "folder" ? (allowed.roots[0] ?? "") : "");
  const [endpoint, setEndpoint] = useState(allowed.endpoints[0] ?? "");
  const [region, setRegion] = useState("");
  const [key, setKey] = useState("");
  const [secret, setSecret] = useState("");
  const [deletes, setDeletes] = useState(false);
  const formats = useImportFormats(slug);
  const [readings, setReadings] = useState(RECOGNISED);
  const [volumes, setVolumes] = useState<Volumes>("");
  const isBucket = kind === "bucket";
  const wrong = create.error instanceof ApiError ? create.error.fields.location : undefined;
  const submit = () =>
    create.mutate(
      {
        kind,
        location: location.trim(),
        delete_after: deletes,
        options: { ...readingsOptions(readings, formats.data ?? []), ...(volumes ? { volumes } : {}) },
        ...(isBucket
          ? {
              region: region.trim(),
              endpoint: endpoint === "aws" ? "" : endpoint,
              credentials: { access_key_id: key.trim(), secret_access_key: secret },
            }
          : {}),
      },
      { onSuccess: onDone },
    );
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {hasFolders && hasBuckets ? (
        <Segmented
          label={t("watched.kind")}
          value={kind}
          options={[
            { value: "folder", label: t("watched.folder") },
            { value: "bucket", label: t("watched.bucket") },
          ]}
          onChange={setKind}
        />
      ) : null}
      <TextInput
        label={t(isBucket ? "watched.bucketPath" : "watched.path")}
        description={isBucket ? undefined : t("watched.below", { roots: allowed.roots.join(", ") })}
        value={location}
        error={wrong ? <span role="alert">{serverWords(wrong, t)}</span> : undefined}
        maxLength={500}
        required
        onChange={(event) => setLocation(event.currentTarget.value)}
      />
      {isBucket ? (
        <>
          <Select
            label={t("watched.endpoint")}
            data={allowed.endpoints.map((value) => ({ value, label: value === "aws" ? "AWS" : value }))}
            value={endpoint}
            allowDeselect={false}
            onChange={(value) => setEndpoint(value ?? "")}
          />
          <TextInput
            label={t("watched.region")}
            value={region}
            maxLength={40}
            onChange={(event) => setRegion(event.currentTarget.value)}
          />
          <TextInput
            label={t("watched.key")}
            value={key}
            maxLength={200}
            required
            autoComplete="off"
            onChange={(event) => setKey(event.currentTarget.value)}
          />
          <PasswordInput
            label={t("watched.secret")}
            value={secret}
            maxLength={200}
            required
            autoComplete="new-password"
            onChange={(event) => setSecret(event.currentTarget.value)}
          />
        </>
      ) : null}
      <ReadingsFields
        formats={formats.data ?? []}
        choice={readings}
        onChange={setReadings}
        label={t("readings.title")}
      />
      <VolumesField value={volumes} onChange={setVolumes} />
      <Checkbox
        label={t("watched.deletes")}
        checked={deletes}
        onChange={(event) => setDeletes(event.currentTarget.checked)}
      />
      <ErrorLine error={wrong ? null : create.error} />
      <div className="row" style={{ justifyContent: "flex-end" }}>
        <Button dense onClick={onDone}>
          {t("watched.cancel")}
        </Button>
        <Button
          dense
          type="submit"
          variant="primary"
          disabled={!location.trim() || !isComplete(readings, formats.data ?? [])}
          busy={create.isPending}
        >
          {t("watched.follow")}
        </Button>
      </div>
    </form>
  );
}
