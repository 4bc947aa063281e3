import { useTranslation } from "react-i18next";
import type { StepProps } from "@/features/wizard/components/step-props";
import { usePeople } from "@/lib/people";
import { ErrorState } from "@/ui/error-state";
import { MembersEditor } from "@/ui/people/members-editor";

export function MembersStep({ draft, me, onChange }: StepProps) {
  const { t } = useTranslation("wizard");
  const people = usePeople();
  const self = { username: me.username, full_name: me.full_name, role: "lead" as const };
  const others = draft.members.filter((member) => member.username !== me.username);
  return (
    <>
      <div style={{ padding: "14px 16px" }}>
        <h2 style={{ fontSize: 15 }}>{t("members.title")}</h2>
        <p className="sm q">{t("members.note")}</p>
      </div>
      {people.isError ? (
        <ErrorState error={people.error} retry={() => void people.refetch()} />
      ) : (
        <MembersEditor
          members={[self, ...others]}
          people={people.data ?? []}
          me={me.username}
          onSet={(person, role) =>
            onChange({
              members: [...others.filter((one) => one.username !== person.username), { ...person, role }],
            })
          }
          onRemove={(member) => onChange({ members: others.filter((one) => one.username !== member.username) })}
        />
      )}
    </>
  );
}
