import { Select } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Member, Person, Role } from "@/lib/api-types";
import { Button, IconButton } from "@/ui/button";
import { Segmented } from "@/ui/segmented";

const ROLES: Role[] = ["reader", "reviewer", "lead"];

interface MembersEditorProps {
  members: Member[];
  people: Person[];
  /** Cannot be removed or changed here: the person at the screen. */
  me: string;
  onSet: (person: Person, role: Role) => void;
  onRemove: (member: Member) => void;
  busy?: boolean;
}

/** Who takes part and what each may do. */
export function MembersEditor({ members, people, me, onSet, onRemove, busy }: MembersEditorProps) {
  const { t } = useTranslation("people");
  const [wanted, setWanted] = useState<string | null>(null);
  const [role, setRole] = useState<Role>("reader");
  const others = people.filter((person) => !members.some((member) => member.username === person.username));
  const add = () => {
    const person = others.find((one) => one.username === wanted);
    if (!person) return;
    onSet(person, role);
    setWanted(null);
  };
  return (
    <>
      <table style={{ "--rh": "48px" } as React.CSSProperties}>
        <thead>
          <tr>
            <th>{t("person")}</th>
            <th>{t("role")}</th>
            <th aria-label={t("common:remove")} />
          </tr>
        </thead>
        <tbody>
          {members.map((member) => (
            <tr key={member.username}>
              <td>
                <span className="b">{member.full_name || member.username}</span>{" "}
                <span className="q sm">
                  {member.username === me ? t("you") : member.full_name ? member.username : ""}
                </span>
              </td>
              <td>
                <Segmented
                  label={t("roleOf", { name: member.full_name || member.username })}
                  value={member.role}
                  disabled={busy || member.username === me}
                  onChange={(next) => onSet(member, next)}
                  options={ROLES.map((one) => ({ value: one, label: t(`common:role.${one}`) }))}
                />
              </td>
              <td style={{ width: 56 }}>
                {member.username === me ? null : (
                  <IconButton
                    label={t("remove", { name: member.full_name || member.username })}
                    disabled={busy}
                    onClick={() => onRemove(member)}
                  >
                    <IconX size={16} stroke={1.6} />
                  </IconButton>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="row" style={{ padding: 16, gap: 12, borderTop: "1px solid var(--n5)", flexWrap: "wrap" }}>
        <Select
          searchable
          aria-label={t("choose")}
          placeholder={others.length ? t("choose") : t("nobodyElse")}
          disabled={others.length === 0}
          data={others.map((person) => ({
            value: person.username,
            label: person.full_name ? `${person.full_name} (${person.username})` : person.username,
          }))}
          value={wanted}
          onChange={setWanted}
          nothingFoundMessage={t("noMatch")}
          w={280}
        />
        <Segmented
          label={t("role")}
          value={role}
          onChange={setRole}
          options={ROLES.map((one) => ({ value: one, label: t(`common:role.${one}`) }))}
        />
        <Button disabled={!wanted} busy={busy} onClick={add}>
          {t("add")}
        </Button>
      </div>
    </>
  );
}
