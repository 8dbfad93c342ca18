// zak_bearer.mts: prints a ZAK for the meeting in $MEETING
async function fetchZak(link: string, authorization: string, meeting: string): Promise<string> {
  const query = new URLSearchParams({ kind: "zak", meeting, bot: "my-bot-1" });
  let refusal = "";
  for (let attempt = 0; attempt < 5; attempt++) {
    const answer = await fetch(`${link}?${query}`, { headers: { authorization } });
    if (answer.ok) return (await answer.json()).token;
    refusal = await answer.text();
    // Other refusals need a person: the answer's `code` and `detail` say what to do.
    if (answer.status !== 429 && answer.status !== 503) break;
    const seconds = Number(answer.headers.get("retry-after") ?? "1");
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
  throw new Error(`no ZAK: ${refusal}`);
}

const { LINK, AUTHORIZATION, MEETING } = process.env;
if (!LINK || !AUTHORIZATION || !MEETING) throw new Error("set LINK, AUTHORIZATION and MEETING");
console.log(await fetchZak(LINK, AUTHORIZATION, MEETING));
