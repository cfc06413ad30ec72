import { useEffect, useState } from "preact/hooks";

/** Whether the element is, or once was, near the window. */
export function useNear(box: { current: HTMLElement | null }, isAtFirst: boolean): boolean {
  const [isNear, setNear] = useState(isAtFirst);
  useEffect(() => {
    if (isNear || !box.current) return;
    const observer = new IntersectionObserver((entries) => setNear(entries.some((one) => one.isIntersecting)), {
      rootMargin: "800px",
      scrollMargin: "800px",
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [isNear]);
  return isNear;
}
