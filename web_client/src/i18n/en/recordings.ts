// English words that only the library and the player need.

export const recordings = {
  files: {
    makeWhole: "Download the whole lesson",
    wholeHint:
      "One MKV file: it opens with the teacher’s picture and everybody’s sound, and holds each picture and each room’s sound as well. Open it with VLC, and choose tracks in its Video and Audio menus.",
    saveWhole: (size: string) => `Save the whole lesson (${size})`,
    makeFilm: "Download as one film",
    filmHint:
      "One MP4 file with one picture and one sound, as the class saw and heard it. It plays everywhere. Making it takes about a quarter to half of the lesson’s length.",
    saveFilm: (size: string) => `Save the film (${size})`,
    makeExport: "Download to play offline",
    exportHint:
      "One ZIP file with all pictures, the chapters and a player: unpack it and open index.html, on a PC without a network too. An administrator can import it on another Tongke server.",
    saveExport: (size: string) => `Save the ZIP file (${size})`,
  },
  quality: {
    name: "Picture",
    auto: "by itself",
    sharp: "sharp",
    small: "small",
    hint: "Small pictures need a tenth of the line. By itself: small when the line carries no more.",
  },
};
