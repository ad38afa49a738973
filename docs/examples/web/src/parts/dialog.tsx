import { type ReactNode, useEffect, useRef } from "react";

import { Icon } from "./icon";

/** A window above the page, as long as it is rendered. Escape, and the cross, close it. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current!;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog ref={element} aria-label={title} onCancel={(event) => { event.preventDefault(); onClose(); }}>
      <header>
        <h2>{title}</h2>
        <button type="button" className="bare" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
      </header>
      {children}
    </dialog>
  );
}
