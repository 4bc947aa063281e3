import { Modal, NumberInput, PasswordInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSaveNode } from "@/features/pacs/api/pacs";
import { ApiError } from "@/lib/api-client";
import type { RemoteNode, RemoteNodeIn } from "@/lib/api-types";
import { serverWords } from "@/lib/server-words";
import { Button } from "@/ui/button";
import { ErrorLine } from "@/ui/error-state";
import { Segmented } from "@/ui/segmented";

interface NodeDialogProps {
  slug: string;
  /** The node to change; none: a new one. */
  node: RemoteNode | undefined;
  onClose: (saved?: RemoteNode) => void;
}

const NEW: RemoteNodeIn = {
  kind: "dimse",
  name: "",
  host: "",
  port: 104,
  ae_title: "",
  calling_ae_title: "OVERREAD",
  retrieval: "get",
  may_send: false,
  sends_from: "",
  uses_tls: false,
  tls_name: "",
  tls_authority: "",
  base_url: "",
  authentication: "none",
  username: "",
};

/** A node is entered or changed: DICOM by AE titles and address, DICOMweb by URL and credentials. */
export function NodeDialog({ slug, node, onClose }: NodeDialogProps) {
  const { t } = useTranslation("pacs");
  const save = useSaveNode(slug);
  const [given, setGiven] = useState<RemoteNodeIn>(node ? { ...NEW, ...fieldsOf(node) } : NEW);
  const set = (change: Partial<RemoteNodeIn>) => setGiven((before) => ({ ...before, ...change }));
  const text = (
    field: "name" | "host" | "ae_title" | "calling_ae_title" | "sends_from" | "tls_name" | "base_url" | "username",
  ) => ({
    value: given[field] ?? "",
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => set({ [field]: event.currentTarget.value }),
  });
  const submit = () => {
    const { secret, ...fields } = given;
    // What is not shown is not sent: nobody could correct it.
    const rest = fields.uses_tls ? fields : { ...fields, tls_name: "", tls_authority: "" };
    save.mutate(
      { id: node?.id, node: secret ? { ...rest, secret } : rest },
      { onSuccess: (saved) => onClose(saved) },
    );
  };
  const refusal = save.error instanceof ApiError ? save.error.fields.detail : undefined;
  return (
    <Modal
      opened
      onClose={() => onClose()}
      title={node ? t("node.change", { name: node.name }) : t("node.new")}
      size={560}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Segmented
          label={t("node.kind")}
          fill
          disabled={Boolean(node)}
          value={given.kind}
          options={[
            { value: "dimse", label: t("node.dimse") },
            { value: "dicomweb", label: t("node.dicomweb") },
          ]}
          onChange={(kind) => set({ kind })}
        />
        <TextInput label={t("node.name")} required maxLength={80} data-autofocus {...text("name")} />
        {given.kind === "dimse" ? (
          <>
            <div className="row t" style={{ gap: 12 }}>
              <TextInput
                label={t("node.host")}
                placeholder="pacs.example.org"
                style={{ flex: 1 }}
                {...text("host")}
              />
              <NumberInput
                label={t("node.port")}
                min={1}
                max={65535}
                hideControls
                w={96}
                value={given.port ?? ""}
                onChange={(value) => set({ port: typeof value === "number" ? value : null })}
              />
            </div>
            <div className="row t" style={{ gap: 12 }}>
              <TextInput
                label={t("node.aeTitle")}
                required
                maxLength={16}
                style={{ flex: 1 }}
                {...text("ae_title")}
              />
              <TextInput
                label={t("node.calling")}
                required
                maxLength={16}
                style={{ flex: 1 }}
                {...text("calling_ae_title")}
              />
            </div>
            <Switch
              label={t("node.tls")}
              description={t("node.tlsNote")}
              checked={given.uses_tls ?? false}
              onChange={(event) => set({ uses_tls: event.currentTarget.checked })}
            />
            {given.uses_tls ? (
              <>
                <Textarea
                  label={t("node.authority")}
                  description={t("node.authorityNote")}
                  placeholder="-----BEGIN CERTIFICATE-----"
                  className="pem"
                  autosize
                  minRows={2}
                  maxRows={5}
                  spellCheck={false}
                  value={given.tls_authority ?? ""}
                  onChange={(event) => set({ tls_authority: event.currentTarget.value })}
                />
                <TextInput
                  label={t("node.tlsName")}
                  placeholder={given.host || "pacs.example.org"}
                  {...text("tls_name")}
                />
              </>
            ) : null}
            <Segmented
              label={t("node.retrieval")}
              fill
              value={given.retrieval ?? "get"}
              options={[
                { value: "get", label: t("node.get") },
                { value: "move", label: t("node.move") },
              ]}
              onChange={(retrieval) => set({ retrieval })}
            />
            {given.retrieval === "move" ? <p className="sm q">{t("node.moveNote")}</p> : null}
            <Switch
              label={t("node.maySend")}
              checked={given.may_send ?? false}
              onChange={(event) => set({ may_send: event.currentTarget.checked })}
            />
            {given.may_send ? (
              <TextInput
                label={t("node.sendsFrom")}
                description={t("node.sendsFromNote")}
                placeholder="10.1.2.0/24"
                {...text("sends_from")}
              />
            ) : null}
          </>
        ) : (
          <>
            <TextInput
              label={t("node.url")}
              required
              placeholder="https://pacs.example.org/dicom-web"
              {...text("base_url")}
            />
            <Select
              label={t("node.authentication")}
              allowDeselect={false}
              data={[
                { value: "none", label: t("node.none") },
                { value: "basic", label: t("node.basic") },
                { value: "bearer", label: t("node.bearer") },
              ]}
              value={given.authentication ?? "none"}
              onChange={(value) => set({ authentication: value as RemoteNode["authentication"] })}
            />
            {given.authentication === "basic" ? (
              <TextInput
                label={t("node.username")}
                required
                maxLength={150}
                autoComplete="off"
                {...text("username")}
              />
            ) : null}
            {given.authentication === "none" ? null : (
              <PasswordInput
                label={given.authentication === "basic" ? t("node.password") : t("node.token")}
                placeholder={node?.has_secret ? t("node.kept") : undefined}
                required={!node?.has_secret}
                autoComplete="new-password"
                visibilityToggleButtonProps={{ "aria-label": t("node.show") }}
                value={given.secret ?? ""}
                onChange={(event) => set({ secret: event.currentTarget.value })}
              />
            )}
          </>
        )}
        <ErrorLine error={refusal ? new Error(serverWords(refusal, t)) : save.error} />
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button onClick={() => onClose()}>{t("common:cancel")}</Button>
          <Button type="submit" variant="primary" busy={save.isPending} disabled={!given.name.trim()}>
            {node ? t("node.save") : t("node.add")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function fieldsOf(node: RemoteNode): RemoteNodeIn {
  const { id: _id, has_secret: _secret, ...fields } = node;
  return fields;
}
