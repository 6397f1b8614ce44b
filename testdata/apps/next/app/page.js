export const dynamic = "force-dynamic";

export default async function Page({ searchParams }) {
  const { who } = await searchParams;
  return <h1>hello {who}</h1>;
}
