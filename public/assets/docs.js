// Puts the viewer of the API's document on the page, in the page's colours.
const place = document.getElementById("explorer");
const colours = matchMedia("(prefers-color-scheme: dark)").matches
  ? { "bg-color": "#151917", "text-color": "#e8ece9", "nav-bg-color": "#1d2320", "nav-text-color": "#e8ece9", "primary-color": "#8cc7b3", "secondary-color": "#8cc7b3" }
  : { "bg-color": "#fbfbf9", "text-color": "#1c2420", "nav-bg-color": "#ffffff", "nav-text-color": "#1c2420", "primary-color": "#2f5d50", "secondary-color": "#2f5d50" };

const explorer = document.createElement("openapi-explorer");
const settings = {
  ...colours,
  "spec-url": "/openapi.yaml",
  "server-url": location.origin,
  "fetch-credentials": "same-origin", // calls go out in the present session
  "hide-authentication": "true",      // it cannot set that cookie, and need not
  "hide-server-selection": "true",
  "collapse": "true",
  "language": "en",
};
for (const [name, value] of Object.entries(settings)) explorer.setAttribute(name, value);

await import(place.dataset.viewer);
place.replaceWith(explorer);
