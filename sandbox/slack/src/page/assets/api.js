// The simulator's control interface.

async function request(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(path, options);
  const text = await response.text();
  if (!response.ok) throw new Error(errorIn(text) ?? `The simulator answered ${response.status}.`);
  return text ? JSON.parse(text) : null;
}

function errorIn(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return null;
  }
}

export const getWorld = () => request("GET", "/control/world");
export const getState = (selection) => {
  const wanted = Object.entries(selection).filter(([, value]) => value);
  return request("GET", `/control/state?${new URLSearchParams(wanted)}`);
};
export const command = (typed) => request("POST", "/control/command", typed);
export const say = (typed) => request("POST", "/control/say", typed);
export const click = (pressed) => request("POST", "/control/click", pressed);

/** Calls `changed` after each change in the workspace, and `lost` when the connection to the simulator is lost. */
export function watch(changed, lost) {
  const events = new EventSource("/control/changes");
  events.onmessage = changed;
  events.onerror = lost;
}
