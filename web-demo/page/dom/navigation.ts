import { byId } from './by-id.ts';

/** Shows the view that the address names, `#test` for instance, and marks its link. */
export function startNavigation(onShow: (view: string) => void): void {
  const links = [...byId('views', HTMLElement).querySelectorAll('a')];
  const show = (): void => {
    const wanted = location.hash.slice(1);
    const known = links.some((link) => link.hash === `#${wanted}` && !link.hidden);
    const view = known ? wanted : 'classify';
    for (const link of links) {
      const current = link.hash === `#${view}`;
      byId(link.hash.slice(1), HTMLElement).hidden = !current;
      if (current) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    onShow(view);
  };
  addEventListener('hashchange', () => {
    // "Skip to the content" is a link too, but to no view.
    if (location.hash !== '#main') {
      show();
      scrollTo(0, 0);
    }
  });
  show();
}
