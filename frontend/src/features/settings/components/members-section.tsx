import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMembers, useRemoveMember, useSetMember } from "@/features/settings/api/settings";
import { NewPersonCard } from "@/features/settings/components/new-person-card";
import type { SectionProps } from "@/features/settings/settings-page";
import type { Member } from "@/lib/api-types";
import { useMe } from "@/lib/me";
import { usePeople } from "@/lib/people";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorLine, ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { MembersEditor } from "@/ui/people/members-editor";

export function MembersSection({ project }: SectionProps) {
  const { t } = useTranslation("settings");
  const me = useMe();
  const people = usePeople();
  const members = useMembers(project.slug);
  const set = useSetMember(project.slug);
  const remove = useRemoveMember(project.slug);
  const [leaving, setLeaving] = useState<Member | null>(null);
  const name = leaving ? leaving.full_name || leaving.username : "";
  return (
    <div className="grow stack" style={{ overflow: "auto" }}>
      <section className="card" style={{ flex: "none" }}>
        {members.isError ? (
          <ErrorState error={members.error} retry={() => void members.refetch()} />
        ) : members.data && me.data ? (
          <MembersEditor
            members={members.data}
            people={people.data ?? []}
            me={me.data.username}
            busy={set.isPending}
            onSet={(person, role) => set.mutate({ username: person.username, role })}
            onRemove={setLeaving}
          />
        ) : (
          <LoadingRows rows={4} height={48} />
        )}
        {set.error ? (
          <div style={{ padding: "0 16px 12px" }}>
            <ErrorLine error={set.error} />
          </div>
        ) : null}
      </section>
      {me.data?.is_admin ? <NewPersonCard /> : null}
      <ConfirmDialog
        opened={leaving !== null}
        title={t("removeTitle", { name })}
        action={t("removeAction", { name })}
        danger
        busy={remove.isPending}
        error={remove.error}
        onClose={() => setLeaving(null)}
        onConfirm={() => leaving && remove.mutate(leaving.username, { onSuccess: () => setLeaving(null) })}
      >
        {t("removeNote")}
      </ConfirmDialog>
    </div>
  );
}
