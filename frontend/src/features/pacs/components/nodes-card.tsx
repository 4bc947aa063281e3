import { IconAlertTriangle, IconCheck, IconDots, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useDeleteNode, useTestNode } from "@/features/pacs/api/pacs";
import { NodeDialog } from "@/features/pacs/components/node-dialog";
import type { NodeAnswer, RemoteNode } from "@/lib/api-types";
import { decimal } from "@/lib/format";
import { serverWords } from "@/lib/server-words";
import { Button, IconButton } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { Menu, MenuDivider, MenuItem } from "@/ui/menu";

interface NodesCardProps {
  slug: string;
  nodes: RemoteNode[];
  chosen: string | undefined;
  onChoose: (id: string) => void;
}

/** The nodes of the project; the chosen one is searched, pulled from and sent to. */
export function NodesCard({ slug, nodes, chosen, onChoose }: NodesCardProps) {
  const { t } = useTranslation("pacs");
  const [editing, edit] = useState<RemoteNode | "new" | null>(null);
  const [leaving, setLeaving] = useState<RemoteNode | null>(null);
  const remove = useDeleteNode(slug);
  return (
    <Card
      title={t("nodes")}
      bare
      style={{ flex: "none" }}
      actions={
        <Button dense icon={<IconPlus size={14} />} onClick={() => edit("new")}>
          {t("node.add")}
        </Button>
      }
    >
      {nodes.length === 0 ? (
        <p className="q sm" style={{ padding: "0 16px 16px" }}>
          {t("noNodes")}
        </p>
      ) : (
        <ul style={{ padding: "0 8px 8px" }}>
          {nodes.map((node) => (
            <NodeRow
              key={node.id}
              slug={slug}
              node={node}
              isChosen={node.id === chosen}
              onChoose={() => onChoose(node.id)}
              onEdit={() => edit(node)}
              onRemove={() => setLeaving(node)}
            />
          ))}
        </ul>
      )}
      {editing ? (
        <NodeDialog
          slug={slug}
          node={editing === "new" ? undefined : editing}
          onClose={(saved) => {
            edit(null);
            if (saved) onChoose(saved.id);
          }}
        />
      ) : null}
      <ConfirmDialog
        opened={leaving !== null}
        title={t("node.removeTitle", { name: leaving?.name ?? "" })}
        action={t("node.removeAction", { name: leaving?.name ?? "" })}
        danger
        busy={remove.isPending}
        error={remove.error}
        onClose={() => setLeaving(null)}
        onConfirm={() => leaving && remove.mutate(leaving.id, { onSuccess: () => setLeaving(null) })}
      >
        {t("node.removeNote")}
      </ConfirmDialog>
    </Card>
  );
}

interface NodeRowProps {
  slug: string;
  node: RemoteNode;
  isChosen: boolean;
  onChoose: () => void;
  onEdit: () => void;
  onRemove: () => void;
}

function NodeRow({ slug, node, isChosen, onChoose, onEdit, onRemove }: NodeRowProps) {
  const { t } = useTranslation("pacs");
  const test = useTestNode(slug);
  const canAsk = node.kind === "dicomweb" || node.port !== null;
  const where =
    node.kind === "dicomweb"
      ? node.base_url
      : `${node.ae_title} · ${node.port === null ? node.sends_from || node.host : `${node.host}:${node.port}`}`;
  return (
    <li className={`pacs-node${isChosen ? " on" : ""}`}>
      <div className="row" style={{ gap: 4 }}>
        <button type="button" className="pacs-choose" aria-pressed={isChosen} onClick={onChoose}>
          <span className="row" style={{ gap: 6 }}>
            <span className="b ell">{node.name}</span>
            <Chip>{node.kind === "dimse" ? "DIMSE" : "DICOMweb"}</Chip>
          </span>
          <span className="mono q ell" title={where}>
            {where}
          </span>
        </button>
        {canAsk ? (
          <Button dense variant="ghost" busy={test.isPending} onClick={() => test.mutate(node.id)}>
            {t("node.test")}
          </Button>
        ) : null}
        <Menu
          width={180}
          trigger={(props) => (
            <IconButton label={t("node.more", { name: node.name })} {...props}>
              <IconDots size={16} stroke={1.6} />
            </IconButton>
          )}
        >
          <MenuItem onClick={onEdit}>{t("node.edit")}</MenuItem>
          <MenuDivider />
          <MenuItem danger onClick={onRemove}>
            {t("node.remove")}
          </MenuItem>
        </Menu>
      </div>
      {test.data ? <TestAnswer answer={test.data} /> : null}
      {test.isError ? (
        <TestAnswer answer={{ is_reachable: false, seconds: null, reason: test.error.message }} />
      ) : null}
    </li>
  );
}

function TestAnswer({ answer }: { answer: NodeAnswer }) {
  const { t } = useTranslation("pacs");
  return (
    <div className="row t sm" role="status" style={{ padding: "2px 8px 8px", gap: 6 }}>
      {answer.is_reachable ? (
        <>
          <IconCheck size={14} color="var(--ok)" style={{ flex: "none", marginTop: 2 }} />
          <span className="sec">{t("node.answers", { seconds: decimal(answer.seconds ?? 0, 2) })}</span>
        </>
      ) : (
        <>
          <IconAlertTriangle size={14} color="var(--bad)" style={{ flex: "none", marginTop: 2 }} />
          <span className="sec">{serverWords(answer.reason, t)}</span>
        </>
      )}
    </div>
  );
}
