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

/** A scroller that stays at its end while its content changes, until the user scrolls up. */
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
 * Calls `stick` with whether the scroller should stay at its end. The browser scrolls too, when content shrinks for a
 * moment. So it was the user if a wheel, key or touch was involved, or if nothing changed at that time.
 */
function watchScrolling(box: HTMLElement, stick: (isSticking: boolean) => void): () => void {
  let frame = 0;
  let [top, isSticking, isHeld, isChanging] = [box.scrollTop, true, false, false];
  const setSticking = (next: boolean) => {
    isSticking = next;
    stick(next);
  };
  const look = () => {
    const rest = box.scrollHeight - box.clientHeight - box.scrollTop;
    if (rest < NEAR_END) setSticking(true);
    else if (box.scrollTop < top - 2 && (isHeld || !isChanging)) setSticking(false);
    else if (isSticking) box.scrollTop = box.scrollHeight;
    top = box.scrollTop;
  };
  const unstick = () => {
    if (box.scrollTop > 0) setSticking(false);
  };
  const hold = () => {
    isHeld = true;
  };
  const release = () => {
    isHeld = false;
  };
  // A change may move the scroller until it is laid out, in the next frame.
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
    [box, "wheel", (event) => (event as WheelEvent).deltaY < 0 && unstick()],
    [box, "keydown", (event) => UPWARD_KEYS.has((event as KeyboardEvent).key) && event.target === box && unstick()],
    // Scrolling by touch ends the pointer events immediately, but not the touch events.
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
