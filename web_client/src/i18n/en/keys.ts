// English words about the keys.

export const keys = {
  keys: {
    title: "Keys",
    spaceBar: "Space",
    microphone: "microphone on or off",
    camera: "camera on or off",
    screen: "share the screen, or stop",
    chat: "chat open or closed",
    devices: "devices open or closed",
    mark: "mark a chapter",
    leaveField: "out of the field, or no to a question",
    hand: "raise the hand, lower it, or give the floor back",
    escape: "cancel, or close",
    next: "to the next control (with Shift to the one before)",
    press: "press the control",
    help: "this list, and away again",
  },
};
