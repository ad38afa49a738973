"use strict";

const page = document.getElementById("redoc");

Redoc.init(
  page.dataset.schema,
  {
    hideDownloadButton: false,
    theme: {
      typography: {
        fontFamily: "system-ui, sans-serif",
        headings: { fontFamily: "system-ui, sans-serif" },
        code: { fontFamily: "ui-monospace, monospace" },
      },
    },
  },
  page,
);
