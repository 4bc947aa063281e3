import { IconCheck } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useCreateProject } from "@/features/wizard/api/create-project";
import { CheckStep } from "@/features/wizard/components/check-step";
import { ImagesStep } from "@/features/wizard/components/images-step";
import { MembersStep } from "@/features/wizard/components/members-step";
import { ModelStep } from "@/features/wizard/components/model-step";
import { QuestionStep } from "@/features/wizard/components/question-step";
import { SplitsStep } from "@/features/wizard/components/splits-step";
import { StepList } from "@/features/wizard/components/step-list";
import type { StepProps } from "@/features/wizard/components/step-props";
import { TypesStep } from "@/features/wizard/components/types-step";
import {
  type Draft,
  EMPTY,
  forgetDraft,
  lackOf,
  STEPS,
  type Step,
  storeDraft,
  storedDraft,
} from "@/features/wizard/draft";
import type { Me } from "@/lib/api-types";
import { useMe } from "@/lib/me";
import { useKeys } from "@/lib/use-keys";
import { Button } from "@/ui/button";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { EmptyState } from "@/ui/empty-state";
import { ErrorLine } from "@/ui/error-state";
import { PageHead } from "@/ui/page-head";
import { ColourCard } from "@/ui/vocabulary/colour-card";
import { PreviewCard } from "@/ui/vocabulary/preview-card";

const FORMS: Record<Step, React.ComponentType<StepProps>> = {
  question: QuestionStep,
  images: ImagesStep,
  types: TypesStep,
  members: MembersStep,
  splits: SplitsStep,
  model: ModelStep,
  check: CheckStep,
};

export default function WizardPage() {
  const { t } = useTranslation(["wizard", "vocabulary"]);
  const me = useMe();
  if (!me.data) return null;
  if (!me.data.may_create_projects) return <EmptyState title={t("notAllowed")}>{t("notAllowedNote")}</EmptyState>;
  return <Wizard me={me.data} />;
}

function Wizard({ me }: { me: Me }) {
  const { t } = useTranslation(["wizard", "vocabulary"]);
  const navigate = useNavigate();
  const create = useCreateProject();
  const [draft, setDraft] = useState<Draft>(() => storedDraft(me.username));
  const [asking, ask] = useState(false);
  const form = useRef<HTMLDivElement>(null);
  const step = draft.step;
  const at = STEPS.indexOf(step);
  const isLast = at === STEPS.length - 1;
  const lacks = (isLast ? STEPS : [step]).map((one) => lackOf(one, draft));
  const lack = lacks.find((one) => one !== null) ?? null;
  const ready = lack === null;

  useEffect(() => storeDraft(me.username, draft), [me.username, draft]);
  const go = (to: Step) => {
    setDraft((now) => ({ ...now, step: to }));
    form.current?.scrollTo({ top: 0 });
  };
  const back = () => {
    const before = STEPS[at - 1];
    if (before) go(before);
  };
  const next = () => {
    if (!ready || create.isPending) return;
    const after = STEPS[at + 1];
    if (after) return go(after);
    create.mutate(draft, {
      onSuccess: (project) => {
        forgetDraft(me.username);
        void navigate(`/p/${project.slug}/import`);
      },
    });
  };
  useKeys({ "mod+enter": next });
  const Form = FORMS[step];
  const after = STEPS[at + 1];

  return (
    <>
      <PageHead title={t("title")} note={draft.name}>
        {draft.name || draft.entries.length ? (
          <Button dense variant="ghost" onClick={() => ask(true)}>
            {t("startOver")}
          </Button>
        ) : null}
      </PageHead>
      <div style={{ display: "flex", gap: 24, flex: 1, minHeight: 0 }}>
        <StepList draft={draft} onGo={go} />
        <section className="card grow">
          <div ref={form} className="scroll" style={{ flex: 1 }}>
            <Form
              draft={draft}
              me={me}
              onChange={(change) => setDraft((now) => ({ ...now, ...change }))}
              onGo={go}
            />
          </div>
          <footer className="row" style={{ padding: "14px 16px", borderTop: "1px solid var(--n5)", gap: 12 }}>
            <Button onClick={back} disabled={at === 0}>
              {t("back")}
            </Button>
            <span className="grow" />
            {create.isError ? (
              <ErrorLine error={create.error} />
            ) : lack ? (
              <span className="sm" style={{ color: "var(--warn)" }}>
                {t(lack.key, lack.values ?? {})}
              </span>
            ) : (
              <span className="row sm q" style={{ gap: 6 }}>
                <IconCheck size={14} stroke={1.6} />
                {t("kept")}
              </span>
            )}
            <Button variant="primary" disabled={!ready} busy={create.isPending} kbd="Ctrl ↵" onClick={next}>
              {after ? t("next", { step: t(`step.${after}`) }) : t("create")}
            </Button>
          </footer>
        </section>
        {step === "types" ? (
          <div className="stack" style={{ width: "min(372px, 22vw)", flex: "none", overflow: "auto" }}>
            <PreviewCard entries={draft.entries} />
            <ColourCard entries={draft.entries} />
          </div>
        ) : null}
      </div>
      <ConfirmDialog
        opened={asking}
        title={t("startOverTitle")}
        action={t("startOver")}
        danger
        onClose={() => ask(false)}
        onConfirm={() => {
          setDraft(EMPTY);
          ask(false);
        }}
      >
        {t("startOverNote")}
      </ConfirmDialog>
    </>
  );
}
