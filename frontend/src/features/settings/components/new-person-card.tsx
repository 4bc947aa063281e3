import { TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/lib/api-client";
import { useCreatePerson } from "@/lib/people";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ErrorLine } from "@/ui/error-state";
import { ShownOnce } from "@/ui/shown-once";

/** Administrators make accounts here; the first password is shown once. */
export function NewPersonCard() {
  const { t } = useTranslation("settings");
  const create = useCreatePerson();
  const [username, setUsername] = useState("");
  const [fullName, setFullName] = useState("");
  const fields = create.error instanceof ApiError ? create.error.fields : {};
  return (
    <Card title={t("account.title")} note={t("account.note")} style={{ flex: "none" }}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate(
            { username: username.trim(), full_name: fullName.trim() },
            {
              onSuccess: () => {
                setUsername("");
                setFullName("");
              },
            },
          );
        }}
      >
        <div className="row t" style={{ gap: 12 }}>
          <TextInput
            label={t("account.username")}
            value={username}
            error={fields.username}
            autoComplete="off"
            required
            w={200}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <TextInput
            label={t("account.fullName")}
            value={fullName}
            error={fields.full_name}
            autoComplete="off"
            w={240}
            onChange={(event) => setFullName(event.currentTarget.value)}
          />
          <Button type="submit" busy={create.isPending} disabled={!username.trim()} style={{ marginTop: 23.5 }}>
            {t("account.create")}
          </Button>
        </div>
        {create.error && Object.keys(fields).length === 0 ? <ErrorLine error={create.error} /> : null}
        {create.data ? (
          <ShownOnce
            secret={create.data.one_time_password}
            note={t("account.once", { name: create.data.username })}
          />
        ) : null}
      </form>
    </Card>
  );
}
