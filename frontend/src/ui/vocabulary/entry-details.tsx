import { IconListNumbers, IconPlus, IconX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Attribute } from "@/lib/api-types";
import { attributeOf, SCALE_NAMES } from "@/lib/attribute-scales";
import { choice } from "@/lib/attributes";
import type { Entry } from "@/lib/vocabulary";
import { Button, IconButton } from "@/ui/button";
import { Menu, MenuItem } from "@/ui/menu";
import { Segmented } from "@/ui/segmented";

type Scheme = "" | "SCT" | "RADLEX";

/** Code and attributes of one type. */
export function EntryDetails({ entry, onChange }: { entry: Entry; onChange: (change: Partial<Entry>) => void }) {
  const { t } = useTranslation("vocabulary");
  const setAttribute = (at: number, change: Partial<Attribute>) =>
    onChange({ attributes: entry.attributes.map((one, index) => (index === at ? { ...one, ...change } : one)) });
  return (
    <section style={{ padding: "18px 16px", borderTop: "1px solid var(--n5)" }} className="stack">
      <div>
        <h3 style={{ marginBottom: 10 }}>{t("codeOf", { name: entry.name || t("unnamed") })}</h3>
        <div className="row" style={{ gap: 12, flexWrap: "wrap" }}>
          <Segmented<Scheme>
            label={t("scheme")}
            value={entry.code_scheme === "SCT" || entry.code_scheme === "RADLEX" ? entry.code_scheme : ""}
            onChange={(code_scheme) =>
              onChange(code_scheme ? { code_scheme } : { code_scheme, code_value: "", code_meaning: "" })
            }
            options={[
              { value: "", label: t("noCodeYet") },
              { value: "SCT", label: "SNOMED CT" },
              { value: "RADLEX", label: "RadLex" },
            ]}
          />
          {entry.code_scheme ? (
            <>
              <Field
                width={130}
                label={t("codeValue")}
                value={entry.code_value}
                onChange={(code_value) => onChange({ code_value })}
                mono
              />
              <Field
                width={200}
                label={t("codeMeaning")}
                value={entry.code_meaning}
                onChange={(code_meaning) => onChange({ code_meaning })}
              />
            </>
          ) : null}
        </div>
      </div>
      <div>
        <h3 style={{ marginBottom: 10 }}>{t("attributesOf", { name: entry.name || t("unnamed") })}</h3>
        <div className="col" style={{ gap: 8 }}>
          {entry.attributes.map((attribute, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: attributes have no identity but their place
            <div key={at} className="row" style={{ gap: 8 }}>
              <Field
                width={168}
                label={t("attributeName")}
                value={attribute.name}
                onChange={(name) => setAttribute(at, { name })}
              />
              <Segmented<"values" | "number">
                label={t("kindOf", { name: attribute.name || t("attribute") })}
                value={attribute.number ? "number" : "values"}
                onChange={(kind) =>
                  setAttribute(
                    at,
                    kind === "number"
                      ? { values: [], number: { unit: "mm", least: 0, most: null } }
                      : { number: null },
                  )
                }
                options={[
                  { value: "values", label: t("oneOf") },
                  { value: "number", label: t("aNumber") },
                ]}
              />
              {attribute.number ? (
                <NumberFields number={attribute.number} onChange={(number) => setAttribute(at, { number })} />
              ) : (
                <ValuesField values={attribute.values} onChange={(values) => setAttribute(at, { values })} />
              )}
              <label className="row sm sec nw" style={{ gap: 6 }} title={t("requiredNote")}>
                <input
                  type="checkbox"
                  checked={attribute.required}
                  onChange={(event) => setAttribute(at, { required: event.currentTarget.checked })}
                />
                {t("required")}
              </label>
              <IconButton
                label={t("remove")}
                style={{ width: 26, height: 26 }}
                onClick={() => onChange({ attributes: entry.attributes.filter((_, index) => index !== at) })}
              >
                <IconX size={14} stroke={1.6} />
              </IconButton>
            </div>
          ))}
          <div className="row" style={{ gap: 8 }}>
            <Button
              dense
              variant="ghost"
              icon={<IconPlus size={16} stroke={1.6} />}
              onClick={() => onChange({ attributes: [...entry.attributes, choice("", [])] })}
            >
              {t("addAttribute")}
            </Button>
            <ScaleMenu
              taken={entry.attributes.map(({ name }) => name)}
              onChoose={(scale) => onChange({ attributes: [...entry.attributes, scale] })}
            />
          </div>
        </div>
      </div>
    </section>
  );
}

/** Scales that many projects use; what is chosen can be changed like any attribute. */
function ScaleMenu({ taken, onChoose }: { taken: string[]; onChoose: (scale: Attribute) => void }) {
  const { t } = useTranslation("vocabulary");
  return (
    <Menu
      width={300}
      trigger={(menu) => (
        <Button dense variant="ghost" icon={<IconListNumbers size={16} stroke={1.6} />} {...menu}>
          {t("addScale")}
        </Button>
      )}
    >
      {SCALE_NAMES.map((name) => {
        const scale = attributeOf(name, t);
        return (
          <MenuItem key={name} disabled={taken.includes(scale.name)} onClick={() => onChoose(scale)}>
            <span className="col" style={{ gap: 0 }}>
              <span>{scale.name}</span>
              <span className="sm q ell" style={{ maxWidth: 270 }}>
                {scale.values.join(t("comma"))}
              </span>
            </span>
          </MenuItem>
        );
      })}
    </Menu>
  );
}

/** Unit and limits; an empty limit is none. */
function NumberFields({
  number,
  onChange,
}: {
  number: NonNullable<Attribute["number"]>;
  onChange: (number: NonNullable<Attribute["number"]>) => void;
}) {
  const { t } = useTranslation("vocabulary");
  const limit = (name: "least" | "most") => (
    <span className="in d" style={{ width: 84 }}>
      <input
        type="number"
        step="any"
        className="num"
        placeholder={t(name)}
        aria-label={t(name)}
        value={number[name] ?? ""}
        onChange={({ currentTarget: { value, valueAsNumber } }) =>
          onChange({ ...number, [name]: value === "" ? null : valueAsNumber })
        }
      />
    </span>
  );
  return (
    <span className="row" style={{ gap: 8, width: 300 }}>
      <Field width={84} label={t("unit")} value={number.unit} onChange={(unit) => onChange({ ...number, unit })} />
      {limit("least")}
      {limit("most")}
    </span>
  );
}

interface FieldProps {
  label: string;
  value: string;
  width: number;
  mono?: boolean;
  onChange: (text: string) => void;
}

function Field({ label, value, width, mono, onChange }: FieldProps) {
  return (
    <span className="in d" style={{ width }}>
      <input
        className={mono ? "mono" : undefined}
        value={value}
        placeholder={label}
        aria-label={label}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </span>
  );
}

/** Values as a comma-separated line; the text stays as typed until it means something else. */
function ValuesField({ values, onChange }: { values: string[]; onChange: (values: string[]) => void }) {
  const { t } = useTranslation("vocabulary");
  const [text, setText] = useState(values.join(", "));
  useEffect(() => {
    setText((now) => (valuesOf(now).join("|") === values.join("|") ? now : values.join(", ")));
  }, [values]);
  return (
    <span className="in d" style={{ width: 300 }}>
      <input
        value={text}
        placeholder={t("values")}
        aria-label={t("values")}
        onChange={(event) => {
          setText(event.currentTarget.value);
          onChange(valuesOf(event.currentTarget.value));
        }}
      />
    </span>
  );
}

function valuesOf(text: string): string[] {
  const parts = text.split(/[,，]/).map((part) => part.trim());
  return [...new Set(parts.filter(Boolean))];
}
