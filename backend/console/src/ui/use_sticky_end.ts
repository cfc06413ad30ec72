import type { RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const NEAR_END = 40;
const UPWARD_KEYS = new Set(["ArrowUp", "PageUp", "Home"]);

interface StickyEnd {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  isAtEnd: boolean;
  toEnd: () => void;
}

/** A scroller that stays at its end, whatever happens to its content, until a person scrolls away from there. */
export function useStickyEnd(): StickyEnd {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isSticky = useRef(true);
  const [isAtEnd, setAtEnd] = useState(true);
  const toEnd = useCallback(() => {
    isSticky.current = true;
    setAtEnd(true);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, []);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !content.current) return;
    const follow = new ResizeObserver(() => {
      if (isSticky.current) box.scrollTop = box.scrollHeight;
    });
    follow.observe(content.current);
    follow.observe(box);
    return () => follow.disconnect();
  }, []);
  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    return watchScrolling(box, (isSticking) => {
      isSticky.current = isSticking;
      setAtEnd(isSticking);
    });
  }, []);
  return { scroller, content, isAtEnd, toEnd };
}

/**
 * Tell whether the scroller is to stay at its end. It moves up by itself too: where content shrinks for a moment the
 * browser moves it. So a person is who turned the wheel, pressed a key or holds it, or moved it while nothing changed.
 */
function watchScrolling(box: HTMLElement, stick: (isSticking: boolean) => void): () => void {
  let frame = 0;
  let [top, isSticking, isHeld, isChanging] = [box.scrollTop, true, false, false];
  const tell = (next: boolean) => {
    isSticking = next;
    stick(next);
  };
  const look = () => {
    const rest = box.scrollHeight - box.clientHeight - box.scrollTop;
    if (rest < NEAR_END) tell(true);
    else if (box.scrollTop < top - 2 && (isHeld || !isChanging)) tell(false);
    else if (isSticking) box.scrollTop = box.scrollHeight;
    top = box.scrollTop;
  };
  const leave = () => {
    if (box.scrollTop > 0) tell(false);
  };
  const hold = () => {
    isHeld = true;
  };
  const release = () => {
    isHeld = false;
  };
  // What changes now may move the scroller until it has been laid out, which is in the next frame.
  const changing = new MutationObserver(() => {
    isChanging = true;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => {
        isChanging = false;
      });
    });
  });
  changing.observe(box, { childList: true, subtree: true, characterData: true, attributes: true });
  const listeners: [target: EventTarget, name: string, listener: (event: Event) => void][] = [
    [box, "scroll", look],
    [box, "wheel", (event) => (event as WheelEvent).deltaY < 0 && leave()],
    [box, "keydown", (event) => UPWARD_KEYS.has((event as KeyboardEvent).key) && event.target === box && leave()],
    // A finger that scrolls ends its pointer events at once, but not its touch.
    [box, "touchstart", hold],
    [window, "touchend", release],
    [window, "touchcancel", release],
    [box, "mousedown", hold],
    [window, "mouseup", release],
  ];
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener, { passive: true });
  return () => {
    changing.disconnect();
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener);
  };
}
