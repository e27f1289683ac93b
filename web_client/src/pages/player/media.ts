// Where a recording's files are.

/** The address of a file of a recording, as the server names it in the recording. */
export function mediaAddress(recordingId: string, file: string): string {
  const path = file.split("/").map(encodeURIComponent).join("/");
  return `/media/recordings/${encodeURIComponent(recordingId)}/${path}`;
}

/** The same for who keeps it: as any program plays it from a disk. */
export function keptAddress(recordingId: string, file: string): string {
  return `${mediaAddress(recordingId, file)}?ordinary=true`;
}
