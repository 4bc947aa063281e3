import { MultiSelect, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCreateToken } from "@/features/tokens/api/tokens";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine } from "@/ui/error-state";
import { ShownOnce } from "@/ui/shown-once";

/** Nouns of the API to which a token can be narrowed. */
const NOUNS = [
  "project",
  "worklist",
  "case",
  "reading",
  "blob",
  "dicomweb",
  "import",
  "export",
  "waiting",
  "split",
  "finding_type",
  "member",
  "learning",
  "round",
  "policy",
  "model",
  "job",
];
const DAYS = ["30", "90", "365", ""];

export function NewTokenCard() {
  const { t } = useTranslation("tokens");
  const create = useCreateToken();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<string[]>([]);
  const [days, setDays] = useState("90");
  const submit = () => {
    const end = days ? new Date(Date.now() + Number(days) * 86_400_000).toISOString() : null;
    create.mutate(
      { name: name.trim(), scopes: scopes.length ? scopes : ["*"], expires_at: end },
      { onSuccess: () => setName("") },
    );
  };
  return (
    <Card title={t("new")} style={{ flex: "none" }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div className="row t" style={{ gap: 12 }}>
          <TextInput
            label={t("name")}
            placeholder={t("example")}
            value={name}
            maxLength={100}
            required
            w={240}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <MultiSelect
            label={t("scopes")}
            placeholder={scopes.length ? undefined : t("everything")}
            data={NOUNS}
            value={scopes}
            onChange={setScopes}
            clearable
            style={{ flex: 1 }}
          />
          <Select
            label={t("ends")}
            data={DAYS.map((value) => ({
              value,
              label: value ? t("days", { count: Number(value) }) : t("noEnd"),
            }))}
            value={days}
            allowDeselect={false}
            w={150}
            onChange={(value) => setDays(value ?? "")}
          />
          <Button
            type="submit"
            variant="primary"
            disabled={!name.trim()}
            busy={create.isPending}
            style={{ marginTop: 23.5 }}
          >
            {t("create")}
          </Button>
        </div>
        <ErrorLine error={create.error} />
        {create.data ? <ShownOnce secret={create.data.token} note={t("once")} /> : null}
      </form>
    </Card>
  );
}
