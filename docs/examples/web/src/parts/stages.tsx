import type { TrackStatus } from "../api/types";

const STAGES = ["uploaded", "scanning", "probing", "transcoding", "ready"] as const;
const SAID: Record<(typeof STAGES)[number], string> = {
  uploaded: "Arrived", scanning: "Checked for viruses", probing: "Looked into",
  transcoding: "Made into streams", ready: "Ready",
};

/** What is being done with a file, while it is done; and why nothing came of it. */
export function Stages({ status }: { status: TrackStatus }) {
  const at = STAGES.indexOf(status.stage as (typeof STAGES)[number]);
  if (status.error)
    return <p className="rejection" role="status">{status.error.detail}</p>;
  return (
    <div className="stages" role="status">
      <ol>
        {STAGES.map((stage, n) => (
          <li key={stage} data-state={status.status === "ready" || n < at ? "done" : n === at ? "now" : "later"} aria-current={n === at ? "step" : undefined}>
            {SAID[stage]}
          </li>
        ))}
      </ol>
      <progress max={100} value={status.progress} aria-label="Progress" />
    </div>
  );
}
