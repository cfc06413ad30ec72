/** What the code panel shows of a message: its change, or the model's responses. */
export interface Shown {
  messageId: string;
  as: "change" | "response";
}
