/** What the components share that preact does not bring. */

import { Component, type ComponentType, h } from "preact";
import { useEffect, useReducer, useRef } from "preact/hooks";

/** Render again after each change that `watch` tells; what `read` gives now. */
export function useWatched<Value>(watch: (look: () => void) => () => void, read: () => Value): Value {
  const [, again] = useReducer((times: number) => times + 1, 0);
  const shown = useRef<Value>(undefined);
  shown.current = read();
  useEffect(() => {
    const look = () => {
      if (read() !== shown.current) again(undefined);
    };
    look();
    return watch(look);
  }, [watch]);
  return shown.current;
}

/** The component, rendered again only when one of its properties is another. */
export function memo<Props extends object>(Inner: ComponentType<Props>): ComponentType<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const before = this.props as Record<string, unknown>;
      const after = next as Record<string, unknown>;
      return Object.keys({ ...before, ...after }).some((name) => before[name] !== after[name]);
    }
    override render() {
      return h(Inner, this.props as Props);
    }
  };
}

/** Render again every so often while `isOn`. */
export function useTick(isOn: boolean, everyMs: number): void {
  const [, again] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    if (!isOn) return;
    const timer = setInterval(() => again(undefined), everyMs);
    return () => clearInterval(timer);
  }, [isOn, everyMs]);
}
