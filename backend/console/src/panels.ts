/** The three panels of the page; a narrow screen shows one of them. */

export const PANELS = ["workflow", "conversation", "code"] as const;
export type Panel = (typeof PANELS)[number];
