import { describe, expect, it } from "vitest";
import { en } from "./en";
import { chooseLang, fill, textOfCode } from "./index";
import { ko } from "./ko";

/** Names and units that are the same in Korean. */
const SAME_IN_KOREAN = /Drover|English|\bm\b/g;
const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("the dictionaries", () => {
  it("have the same keys", () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(ko).sort());
  });

  it.each(Object.keys(ko) as (keyof typeof ko)[])("fill in the same things: %s", (key) => {
    expect(places(en[key])).toEqual(places(ko[key]));
  });

  it("leave no Latin words in Korean", () => {
    const left = Object.entries(ko).filter(([, text]) => /[A-Za-z]/.test(text.replace(/\{\w+\}/g, "").replace(SAME_IN_KOREAN, "")));
    expect(left).toEqual([]);
  });

  it("leave no Korean in English but the language's own name", () => {
    const left = Object.entries(en).filter(([key, text]) => key !== "lang.ko" && /[\u3130-\u318f\uac00-\ud7af]/.test(text));
    expect(left).toEqual([]);
  });

  it("have a text for every alarm of the fleet", () => {
    const codes = "ORDER_REFUSED PLACE_CONTESTED OFF_ITS_PATH ACTION_FAILED ROBOT_FAULTED ROBOT_LOST ROBOT_REFUSED JAMMED PLAN_REFUSED DEVICE_STUCK DEVICE_LOST DEVICE_BACK IMPLAUSIBLE LOAD_ABOARD LOAD_RETURN LEG_OVERDUE JOB_HALTED STATION_UNREACHABLE FROZEN ROBOT_REQUIRES PAUSE_UNHEEDED EDGE_BLOCKED EDGE_OPEN LAYOUT_PENDING LAYOUT_CHANGED LAYOUT_REFUSED";
    for (const code of codes.split(" ")) expect(ko).toHaveProperty([`alarm.${code}`]);
  });
});

describe("a code without a text", () => {
  it.each(["SOMETHING_NEW", "toString", "unknown"])("is shown as it is: %s", (code) => {
    expect(textOfCode("alarm", code)).toBe(`알 수 없음 (${code})`);
  });
});

describe("the language", () => {
  it("is the address's, then the stored one, then the browser's", () => {
    expect(chooseLang("?lang=en", "ko", "ko-KR")).toBe("en");
    expect(chooseLang("", "en", "ko-KR")).toBe("en");
    expect(chooseLang("?lang=fr", null, "ko")).toBe("ko");
    expect(chooseLang("", null, "de-DE")).toBe("en");
  });

  it("keeps a place that nothing fills", () => {
    expect(fill("{a} and {b}", { a: 1 })).toBe("1 and {b}");
  });
});
